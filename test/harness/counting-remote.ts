import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { afterwards } from './clean-up.js'
import type { Target } from './relay.js'

const FULL_STOP = 0x2e

/**
 * A server that counts its sessions exactly: one begins when it accepts, and ends when the test says so, just before its
 * FIN. A relay can give the place to somebody else only after that. It echoes what it has received.
 */
export class CountingRemote implements Target {
  readonly directive: string
  /** Sessions that neither the test nor the relay has ended. */
  readonly #open = new Map<Socket, Buffer[]>()
  readonly #sockets = new Set<Socket>()
  acceptedCount = 0
  /** Most sessions at a time. */
  highest = 0
  /** What the sessions that ended have received. */
  readonly received: string[] = []

  /** How long places were free while `isWaitedFor`, until the next session began. */
  readonly idleMs: number[] = []
  isWaitedFor: () => boolean = () => false
  readonly #freedAtMs: number[] = []
  readonly #answersAfterMs: number | undefined

  private constructor(server: Server, port: number, answersAfterMs: number | undefined) {
    this.#answersAfterMs = answersAfterMs
    this.directive = `address = 127.0.0.1 port = ${port}`
    server.on('connection', (socket) => this.#accept(socket))
  }

  /** `answersAfterMs`: the test ends no sessions; each ends this long after a request, which ends with a full stop. */
  static async start(t: TestContext, answersAfterMs?: number): Promise<CountingRemote> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 })
    await once(server, 'listening')
    const address = server.address()
    const remote = new CountingRemote(
      server,
      typeof address === 'object' ? (address?.port ?? 0) : 0,
      answersAfterMs,
    )
    afterwards(t, async () => {
      for (const socket of remote.#sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    })
    return remote
  }

  with(more: string): Target {
    return { directive: `${this.directive} ${more}` }
  }

  get open(): number {
    return this.#open.size
  }

  /** Ends the first session that has received something; false if there is none. */
  answerOne(): boolean {
    for (const [socket, chunks] of this.#open) if (chunks.length > 0) return this.#finish(socket, chunks)
    return false
  }

  /** Ends the session that began first. */
  finishOne(): void {
    const [first] = this.#open
    if (first !== undefined) this.#finish(...first)
  }

  finishAll(): void {
    while (this.#open.size > 0) this.finishOne()
  }

  #finish(socket: Socket, chunks: readonly Buffer[]): true {
    this.#open.delete(socket)
    if (this.isWaitedFor()) this.#freedAtMs.push(performance.now())
    const text = Buffer.concat(chunks).toString()
    this.received.push(text)
    socket.end(text)
    return true
  }

  #accept(socket: Socket): void {
    const chunks: Buffer[] = []
    this.acceptedCount++
    this.#open.set(socket, chunks)
    const freedAtMs = this.#freedAtMs.shift()
    if (freedAtMs !== undefined) this.idleMs.push(performance.now() - freedAtMs)
    this.highest = Math.max(this.highest, this.#open.size)
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      const isWhole = this.#answersAfterMs !== undefined && chunk.at(-1) === FULL_STOP
      if (isWhole)
        setTimeout(() => this.#open.has(socket) && this.#finish(socket, chunks), this.#answersAfterMs)
    })
    // Clients of these tests do not half-close: the process that relayed is gone.
    socket.on('end', () => {
      if (this.#open.delete(socket)) socket.destroy()
    })
    socket.on('error', () => this.#open.delete(socket))
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
  }
}
