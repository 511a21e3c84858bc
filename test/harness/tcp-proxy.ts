import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { afterwards } from './clean-up.js'
import { DEADLINE_MS } from './until.js'

/** One connection through a proxy: `near` has connected to it, `far` is where it leads. */
export interface Pair {
  readonly near: Socket
  readonly far: Socket
}

/** Passes bytes of one connection on. Resolves when it is ready for the next ones. */
export type PassOn = (bytes: Buffer, to: Socket) => Promise<void>

const asTheyCome: PassOn = (bytes, to) => new Promise((resolve) => to.write(bytes, () => resolve()))

/** Every byte is a segment of its own, and the next one leaves when the receiver's program has taken it. */
export const byteByByte: PassOn = async (bytes, to) => {
  for (const byte of bytes) {
    await asTheyCome(Buffer.of(byte), to)
    await isTaken(to)
  }
}

/** The same for a receiver that leaves bytes in the kernel for a while: what it sees at once is up to it. */
export const inSegmentsOfOneByte: PassOn = async (bytes, to) => {
  for (const byte of bytes) {
    await asTheyCome(Buffer.of(byte), to)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** A proxy between two programs, which changes nothing but when bytes come. */
export class TcpProxy {
  readonly port: number
  readonly pairs: Pair[] = []

  constructor(port: number) {
    this.port = port
  }

  /** To `port`; `forth`: what comes from who connects, `back`: what comes from there. */
  static async start(
    t: TestContext,
    port: number,
    { forth = asTheyCome, back = asTheyCome }: { forth?: PassOn; back?: PassOn } = {},
  ): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const proxy = new TcpProxy(typeof address === 'object' ? (address?.port ?? 0) : 0)
    server.on('connection', (near) => {
      const far = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true })
      proxy.pairs.push({ near, far })
      void pass(near, far, forth)
      void pass(far, near, back)
    })
    afterwards(t, async () => {
      for (const { near, far } of proxy.pairs) {
        near.destroy()
        far.destroy()
      }
      server.close()
      await once(server, 'close')
    })
    return proxy
  }
}

async function pass(from: Socket, to: Socket, passOn: PassOn): Promise<void> {
  to.on('error', () => from.destroy())
  try {
    for await (const bytes of from) await passOn(bytes, to)
    to.end()
  } catch {
    to.destroy()
  }
}

/** Waits until nothing that was sent lies in the receive buffer of the other end, which is of this machine too. */
async function isTaken(socket: Socket): Promise<void> {
  const [near, far] = [hexPort(socket.localPort), hexPort(socket.remotePort)]
  const giveUpAt = performance.now() + DEADLINE_MS
  // The receiver's row: `sl: local:port remote:port state tx_queue:rx_queue …` (proc(5))
  const row = new RegExp(`: \\w+:${far} \\w+:${near} \\w+ \\w+:(\\w+) `)
  for (;;) {
    const found = row.exec(readFileSync('/proc/net/tcp', 'utf8'))
    if (found === null || Number.parseInt(found[1] ?? '', 16) === 0) return
    if (performance.now() > giveUpAt) throw new Error('nobody reads what the proxy has sent')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function hexPort(port = 0): string {
  return port.toString(16).toUpperCase().padStart(4, '0')
}
