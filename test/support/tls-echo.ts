/** A TLS echo server on the test's event loop, built on channels of the product. */
import type { Fd } from '../../src/kernel/calls.js'
import { mapPrivate, type Region } from '../../src/kernel/memory.js'
import { decodeAddress, SOCKADDR_BYTES_MAX } from '../../src/kernel/sockaddr.js'
import type { TlsChannel } from '../../src/tls/channel.js'
import type { TlsFacts } from '../../src/tls/channel-facts.js'
import { END, MORE, WANT_READ, WANT_WRITE } from '../../src/tls/outcomes.js'
import type { ServerContext } from '../../src/tls/server-context.js'
import { calls, listenOnLoopback } from './sockets.js'

const BLOCK_BYTES = 32_768

/** The result of one connection. */
export interface Ending {
  readonly facts: TlsFacts | undefined
  /** The last outcome of reading. */
  readonly outcome: number
  readonly reason: string
  readonly bytes: number
}

/** Echoes what a channel receives, until its peer ends. */
export class Echo {
  readonly channel: TlsChannel
  readonly fd: Fd
  readonly #block: Region = mapPrivate(BLOCK_BYTES)
  #held = 0
  #offset = 0
  #outcome = 0
  #bytes = 0
  #facts: TlsFacts | undefined

  constructor(channel: TlsChannel, fd: Fd) {
    this.channel = channel
    this.fd = fd
  }

  /** One turn; returns the result once the connection has ended. */
  turn(): Ending | undefined {
    if (!this.channel.isReady) this.#outcome = this.channel.handshake()
    else this.#pump()
    if ([WANT_READ, WANT_WRITE, MORE].includes(this.#outcome) || this.#outcome >= 0) return undefined
    if (this.#held > 0 && this.#outcome === END) return undefined
    if (this.#outcome === END && this.channel.closeNotify() === WANT_WRITE) return undefined
    const { reason } = this.channel
    this.channel.free()
    calls.shutdownWrite(this.fd)
    calls.close(this.fd)
    return { facts: this.#facts, outcome: this.#outcome, reason, bytes: this.#bytes }
  }

  #pump(): void {
    this.#facts ??= this.channel.facts()
    if (this.#held === 0) {
      const got = this.channel.read(this.#block, 0, BLOCK_BYTES)
      this.#outcome = got
      if (got <= 0) return
      this.#held = got
      this.#offset = 0
      this.#bytes += got
    }
    const took = this.channel.write(this.#block, this.#offset, this.#held)
    if (took < 0) {
      this.#outcome = took
      return
    }
    this.#held -= took
    this.#offset += took
  }
}

/** Serves all clients until it is closed. */
export class EchoServer {
  readonly port: number
  readonly endings: Ending[] = []
  readonly #listener: Fd
  readonly #context: ServerContext
  readonly #open = new Set<Echo>()
  readonly #peer = mapPrivate(SOCKADDR_BYTES_MAX)
  #isClosed = false

  constructor(context: ServerContext) {
    this.#context = context
    this.#listener = listenOnLoopback(this.#peer, 128)
    const address = decodeAddress(this.#peer.bytes)
    this.port = address.family === 'ipv4' ? address.port : 0
    this.#run()
  }

  close(): void {
    this.#isClosed = true
    for (const { channel, fd } of this.#open) {
      channel.free()
      calls.close(fd)
    }
    calls.close(this.#listener)
    this.#context.retire()
  }

  /** The result of the next connection that ends. */
  async ending(): Promise<Ending> {
    for (;;) {
      const ending = this.endings.shift()
      if (ending !== undefined) return ending
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #run(): void {
    if (this.#isClosed) return
    const fd = calls.accept(this.#listener, this.#peer)
    const channel = fd >= 0 ? this.#context.accept(fd) : undefined
    if (channel !== undefined) this.#open.add(new Echo(channel, fd))
    for (const echo of this.#open) {
      const ending = echo.turn()
      if (ending === undefined) continue
      this.endings.push(ending)
      this.#open.delete(echo)
    }
    setImmediate(() => this.#run())
  }
}
