import { once } from 'node:events'
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { afterwards } from './clean-up.js'
import type { Target } from './relay.js'
import { until } from './until.js'

/** What a server does with a connection. */
export type Behaviour = (socket: Socket) => void

/** Echoes bytes, and the end after them. */
export const echoes: Behaviour = (socket) => void socket.pipe(socket)

/** Speaks first, then echoes. */
export function greets(banner: string): Behaviour {
  return (socket) => {
    socket.write(banner)
    socket.pipe(socket)
  }
}

/** Sends its name and closes. */
export function says(text: string): Behaviour {
  return (socket) => void socket.end(text)
}

/** Reads everything, sends nothing, and closes with its client. */
export const listens: Behaviour = (socket) => void socket.resume().on('end', () => socket.end())

/** Echoes bytes, but never the end. */
export const echoesForEver: Behaviour = (socket) => void socket.on('data', (bytes) => socket.write(bytes))

/** A server in the test process. */
export class Remote implements Target {
  readonly directive: string
  readonly port: number
  /** Connections so far. */
  acceptedCount = 0
  readonly sockets = new Set<Socket>()
  readonly #server: Server

  constructor(server: Server, directive: string, port: number) {
    this.#server = server
    this.directive = directive
    this.port = port
    server.on('connection', (socket) => {
      this.acceptedCount++
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
      socket.on('error', () => {})
    })
  }

  /** The same server with more in its block: `remote.with('weight = 3')`. */
  with(more: string): Target {
    return { directive: `${this.directive} ${more}` }
  }

  /** Waits for that many open connections. */
  async holds(count: number): Promise<void> {
    await until(`${count} connections at a remote that has ${this.sockets.size}`, () => {
      return this.sockets.size === count
    })
  }

  /** Stops accepting and ends open connections. */
  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }
}

export interface RemotePlan {
  /** Starts the server, on a free port unless one is given. */
  start(t: TestContext, at?: ListenOptions & { readonly fd?: number }): Promise<Remote>
}

/** `remoteThat(echoes).start(t)` */
export function remoteThat(behave: Behaviour): RemotePlan {
  return {
    async start(t, at = { host: '127.0.0.1', port: 0 }) {
      const server = createServer({ allowHalfOpen: true, noDelay: true }, behave)
      server.listen({ backlog: 4_096, ...at })
      await once(server, 'listening')
      const address = server.address()
      const port = typeof address === 'object' ? (address?.port ?? 0) : 0
      const directive = at.path ? `address = ${at.path}` : `address = ${at.host} port = ${port}`
      const remote = new Remote(server, directive, port)
      afterwards(t, () => remote.stop())
      return remote
    },
  }
}
