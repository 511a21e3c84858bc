import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { afterwards } from './clean-up.js'
import { isAsleep } from './proc.js'
import { DEADLINE_MS } from './until.js'

/** One connection through a proxy: `near` has connected to it, `far` is its destination. */
export interface Pair {
  readonly near: Socket
  readonly far: Socket
}

/** Forwards bytes of one connection. Resolves when it is ready for the next ones. */
export type PassOn = (bytes: Buffer, to: Socket) => Promise<void>

const asTheyCome: PassOn = (bytes, to) => {
  return new Promise((resolve, reject) => to.write(bytes, (error) => (error ? reject(error) : resolve())))
}

/** Each byte is a segment of its own, sent after the receiver has processed the one before. */
export function byteByByte(receiver: () => number): PassOn {
  return async (bytes, to) => {
    for (const byte of bytes) {
      await asTheyCome(Buffer.of(byte), to)
      await sleeps(receiver())
    }
  }
}

/** A proxy between two programs that changes only the timing of bytes. */
export class TcpProxy {
  readonly port: number
  readonly pairs: Pair[] = []

  constructor(port: number) {
    this.port = port
  }

  /** To `port`; `forth`: bytes of the connecting side, `back`: bytes to it. */
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
    for await (const bytes of from.iterator({ destroyOnReturn: false })) await passOn(bytes, to)
    to.end()
  } catch {
    to.destroy()
  }
}

/** On the loopback a byte has arrived when it is sent: its receiver runs from then on until it waits for more. */
async function sleeps(pid: number): Promise<void> {
  const giveUpAt = performance.now() + DEADLINE_MS
  while (!isAsleep(pid)) {
    if (performance.now() > giveUpAt) throw new Error(`process ${pid} does not come to rest`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
