import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { afterwards } from './clean-up.js'
import { within } from './until.js'

export interface Place {
  readonly port?: number
  readonly host?: string
  readonly path?: string
  /** The address that it connects from. @default chosen by the kernel */
  readonly localAddress?: string
}

/** How a connection ended for its reader: in order, or with a system error. */
export type Ending = 'end' | string

/** A client on Node's own sockets, with half-close. */
export class Client {
  readonly socket: Socket
  readonly #chunks: Buffer[] = []
  #ending: Ending | undefined
  #wake: () => void = () => {}

  constructor(t: TestContext, socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk) => this.#push(chunk))
    socket.on('end', () => this.#finish('end'))
    socket.on('error', (error) => this.#finish('code' in error ? String(error.code) : error.message))
    socket.on('close', () => this.#finish('closed'))
    afterwards(t, () => this.close())
  }

  /** A connection that is refused or reset at once reports that by its ending. */
  static async connect(
    t: TestContext,
    { host = '127.0.0.1', localAddress, path, port = 0 }: Place,
  ): Promise<Client> {
    const target = path === undefined ? { host, port, localAddress } : { path }
    const socket = connect({ ...target, allowHalfOpen: true, noDelay: true })
    const client = new Client(t, socket)
    const decided = new Promise<void>((resolve) => {
      socket.once('connect', () => resolve()).once('close', () => resolve())
    })
    await within('a connection', decided)
    return client
  }

  /** Resolves when the kernel has taken the bytes. */
  async send(bytes: string | Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.socket.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
  }

  async endWriting(): Promise<void> {
    this.socket.end()
    if (!this.socket.writableFinished) await once(this.socket, 'finish')
  }

  /** Reads exactly that many bytes. */
  async read(byteCount: number): Promise<string> {
    await this.#until(() => this.#byteCount() >= byteCount, `${byteCount} bytes`)
    const all = Buffer.concat(this.#chunks.splice(0))
    this.#chunks.push(all.subarray(byteCount))
    return all.toString('latin1', 0, byteCount)
  }

  /** Reads everything up to this text and with it. */
  async readThrough(text: string): Promise<string> {
    const found = () => Buffer.concat(this.#chunks).indexOf(text, 0, 'latin1')
    await this.#until(() => found() >= 0, JSON.stringify(text))
    return this.read(found() + text.length)
  }

  /** Reads everything up to the end, which must be in order. */
  async readToEnd(): Promise<string> {
    const ending = await this.ending()
    if (ending !== 'end') throw new Error(`the connection ended with ${ending}`)
    return Buffer.concat(this.#chunks.splice(0)).toString('latin1')
  }

  /** How the connection ends. */
  async ending(deadlineMs?: number): Promise<Ending> {
    await this.#until(() => this.#ending !== undefined, 'the end of the connection', deadlineMs)
    return this.#ending ?? ''
  }

  /** Sends and waits for as many bytes to come back. */
  async exchange(text: string): Promise<string> {
    await this.send(text)
    return this.read(text.length)
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }

  async close(): Promise<void> {
    this.socket.destroy()
    if (!this.socket.closed) await once(this.socket, 'close')
  }

  #push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#wake()
  }

  #finish(ending: Ending): void {
    this.#ending ??= ending
    this.#wake()
  }

  #byteCount(): number {
    return this.#chunks.reduce((sum, { length }) => sum + length, 0)
  }

  async #until(isReached: () => boolean, what: string, deadlineMs?: number): Promise<void> {
    while (!isReached()) {
      if (this.#ending !== undefined) throw new Error(`wanted ${what}, but the connection: ${this.#ending}`)
      await within(what, new Promise<void>((resolve) => (this.#wake = resolve)), deadlineMs)
    }
  }
}
