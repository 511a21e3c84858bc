/**
 * The connection of a health check: bytes are sent, and answers awaited one after the other. The time limit is that of
 * the check (`ProbeSession`), which calls `timeOut`.
 */
import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { errorText } from '../kernel/errno.js'
import { ProbeFailure } from './probe-failure.js'

/** No answer of a check is longer; a server that sends more without the end that is awaited fails. */
export const ANSWER_BYTES_MAX = 256 * 1024

const CLOSED = 'it closed the connection'

const EMPTY: Buffer = Buffer.alloc(0)

/**
 * Length of the answer at the beginning of `bytes`; undefined: more bytes are needed. `hasEnded`: the server has closed the
 * connection, and no more come.
 */
export type FindEnd = (bytes: Buffer, hasEnded: boolean) => number | undefined

interface Waiting {
  readonly what: string
  readonly findEnd: FindEnd
  resolve(answer: Buffer): void
  reject(error: unknown): void
}

/** Owns its socket. One answer is awaited at a time. */
export class Conversation {
  readonly #socket: Socket
  /** Received and not yet taken. */
  #bytes: Buffer = EMPTY
  #waiting: Waiting | undefined
  /** Why no more bytes come. */
  #failure: string | undefined

  /** `socket`: connected. `received`: what has been received before. */
  constructor(socket: Socket, received: Buffer = EMPTY) {
    this.#socket = socket
    this.#bytes = received
    socket.on('data', (chunk: Buffer) => this.#received(chunk))
    socket.on('end', () => this.#ended())
    socket.on('error', (error) => this.#broke(error))
    socket.on('close', () => this.#ended())
  }

  /** For protocols that a module of Node speaks; it takes the bytes that come. */
  get socket(): Socket {
    return this.#socket
  }

  /** What has been received and is no part of an answer so far: for the text of a failure. */
  get received(): Uint8Array {
    return this.#bytes
  }

  send(bytes: Uint8Array | string): void {
    this.#socket.write(bytes)
  }

  /**
   * Waits for the next answer and takes its bytes. `what`: what is awaited, part of a failure: `no greeting within 2 s`.
   * Rejects with a `ProbeFailure`. An error that `findEnd` throws is thrown here.
   */
  answer(what: string, findEnd: FindEnd): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { what, findEnd, resolve, reject }
      this.#look()
    })
  }

  /** The next `length` bytes. */
  bytes(what: string, length: number): Promise<Buffer> {
    return this.answer(what, ({ byteLength }) => (byteLength >= length ? length : undefined))
  }

  /** The next line, without its end (LF or CR LF). Bytes that are not UTF-8 are replaced. */
  async line(what: string): Promise<string> {
    const bytes = await this.answer(what, (received) => {
      const at = received.indexOf(0x0a)
      return at < 0 ? undefined : at + 1
    })
    return bytes.toString('utf8').replace(/\r?\n$/, '')
  }

  /** The time is up; `limit`: how long it was, in words. */
  timeOut(limit: string): void {
    const { what = 'answer' } = this.#waiting ?? {}
    this.#end(`no ${what} within ${limit}`)
  }

  /** For TLS that begins here. Bytes that came before the handshake are a failure: they are not authenticated. */
  release(): Socket {
    if (this.#bytes.byteLength > 0) throw new ProbeFailure('it sent bytes before the TLS handshake')
    for (const event of ['data', 'end', 'error', 'close']) this.#socket.removeAllListeners(event)
    this.#socket.pause()
    return this.#socket
  }

  close(): void {
    this.#socket.destroy()
  }

  #received(chunk: Buffer): void {
    if (this.#failure !== undefined) return
    this.#bytes = this.#bytes.byteLength === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    this.#look()
  }

  /** Gives the awaited answer, if it is complete. */
  #look(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    try {
      const length = waiting.findEnd(this.#bytes, this.#failure === CLOSED)
      if (length !== undefined) {
        this.#waiting = undefined
        const answer = this.#bytes.subarray(0, length)
        this.#bytes = this.#bytes.subarray(length)
        waiting.resolve(answer)
      } else if (this.#failure !== undefined) this.#end(this.#failure)
      else if (this.#bytes.byteLength > ANSWER_BYTES_MAX)
        this.#end(`more than ${ANSWER_BYTES_MAX / 1024} KiB without the end of the ${waiting.what}`)
    } catch (error) {
      this.#waiting = undefined
      this.close()
      waiting.reject(error)
    }
  }

  #ended(): void {
    this.#failure ??= CLOSED
    this.#look()
  }

  #broke({ errno, message }: NodeJS.ErrnoException): void {
    this.#failure ??= `the connection broke: ${errno === undefined ? message : errorText(-errno)}`
    this.#look()
  }

  #end(why: string): void {
    const waiting = this.#waiting
    this.#failure ??= why
    this.#waiting = undefined
    this.close()
    waiting?.reject(new ProbeFailure(why === CLOSED ? `${CLOSED} before the ${waiting.what}` : why))
  }
}
