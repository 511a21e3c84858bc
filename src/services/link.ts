/** The link: framed messages between a master and its child over a socket pair. */
import { Socket } from 'node:net'
import { deserialize, serialize } from 'node:v8'

/** A frame is a length of four bytes, little-endian, and that many bytes of one message. */
const HEAD_BYTES = 4

/** More than any plan takes. */
const TRUSTED_FRAME_BYTES_MAX = 256 * 1024 * 1024

const SECOND_MS = 1_000

export interface LinkEvents<In> {
  onMessage(message: In): void
  /** The other process has violated the rules. Then the link is closed; `onEnd` follows. */
  onViolation?(what: string): void
  /** The other process has closed its end, or is gone. */
  onEnd(): void
}

/** What the other process may send. */
export interface FrameRules<In> {
  readonly frameBytesMax: number
  readonly framesPerSecondMax: number
  /** The message in a frame; undefined, or an exception, if it is invalid. */
  decode(body: Buffer): In | undefined
}

/** Makes the bytes of a message. */
export type Encode<Out> = (message: Out) => Buffer

/** To a process that does not trust this one. */
export const asJson: Encode<unknown> = (message) => Buffer.from(JSON.stringify(message))

/** To a process that trusts this one, which reads it by `trusting`: Map, RegExp and typed arrays arrive as they are. */
export const serialized: Encode<unknown> = (message) => serialize(message)

/** For messages of a process that is trusted with everything: the master's. */
export function trusting<In>(): FrameRules<In> {
  return {
    frameBytesMax: TRUSTED_FRAME_BYTES_MAX,
    framesPerSecondMax: Number.POSITIVE_INFINITY,
    // Typed arrays of the message are views of these bytes: of a copy, not of what else the socket has received.
    decode: (body) => deserialize(new Uint8Array(body)) as In,
  }
}

/** One end of the channel between our master and our child: messages in order, both ways. */
export class Link<In, Out> {
  readonly #socket: Socket
  readonly #events: LinkEvents<In>
  readonly #rules: FrameRules<In>
  readonly #encode: Encode<Out>
  /**
   * Received parts of an incomplete frame, joined once when it is complete: joining at each part would be
   * quadratic.
   */
  #chunks: Buffer[] = []
  #chunkBytes = 0
  /** Length of the header or frame that is awaited. */
  #wantedBytes = HEAD_BYTES
  /** Start of the second in which frames are counted, as `performance.now`. */
  #sinceMs = Number.NEGATIVE_INFINITY
  #frames = 0

  /**
   * `fd` is a Unix stream socket and belongs to the link. `guard` wraps the handler of bytes where the other process is
   * not trusted.
   */
  constructor(
    fd: number,
    rules: FrameRules<In>,
    encode: Encode<Out>,
    events: LinkEvents<In>,
    guard = (handler: (bytes: Buffer) => void) => handler,
  ) {
    this.#rules = rules
    this.#encode = encode
    this.#events = events
    this.#socket = new Socket({ fd, readable: true, writable: true })
    this.#socket.on(
      'data',
      guard((bytes) => this.#onBytes(bytes)),
    )
    // An error is always followed by 'close'.
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => events.onEnd())
  }

  send(message: Out): void {
    // The other end is gone: `onEnd` follows, and reports it.
    if (!this.#socket.writable) return
    const body = this.#encode(message)
    const head = Buffer.alloc(HEAD_BYTES)
    head.writeUInt32LE(body.length)
    this.#socket.write(Buffer.concat([head, body]))
  }

  /** Does not keep the process alive. */
  unref(): void {
    this.#socket.unref()
  }

  close(): void {
    this.#socket.destroy()
  }

  #onBytes(bytes: Buffer): void {
    this.#chunks.push(bytes)
    this.#chunkBytes += bytes.length
    if (this.#chunkBytes < this.#wantedBytes) return
    let left = this.#chunks.length === 1 ? bytes : Buffer.concat(this.#chunks)
    this.#wantedBytes = HEAD_BYTES
    while (left.length >= HEAD_BYTES) {
      const length = left.readUInt32LE()
      if (length > this.#rules.frameBytesMax) {
        this.#break(`a frame of ${length} bytes`)
        return
      }
      if (left.length < HEAD_BYTES + length) {
        this.#wantedBytes = HEAD_BYTES + length
        break
      }
      const body = left.subarray(HEAD_BYTES, HEAD_BYTES + length)
      left = left.subarray(HEAD_BYTES + length)
      const message = this.#read(body)
      if (message === undefined) return
      this.#events.onMessage(message)
      // The handler may have closed the link: the rest is not handled.
      if (this.#socket.destroyed) return
    }
    this.#chunks = [left]
    this.#chunkBytes = left.length
  }

  /** Undefined when the link is broken. */
  #read(body: Buffer): In | undefined {
    const nowMs = performance.now()
    if (nowMs - this.#sinceMs >= SECOND_MS) {
      this.#sinceMs = nowMs
      this.#frames = 0
    }
    if (++this.#frames > this.#rules.framesPerSecondMax) {
      this.#break(`more than ${this.#rules.framesPerSecondMax} messages in a second`)
      return undefined
    }
    const message = this.#decode(body)
    if (message === undefined) this.#break(`an unknown message of ${body.length} bytes`)
    return message
  }

  #decode(body: Buffer): In | undefined {
    try {
      return this.#rules.decode(body)
    } catch {
      return undefined
    }
  }

  #break(what: string): void {
    try {
      // First: at the end of the link a child leaves in order, and is to be killed.
      this.#events.onViolation?.(what)
    } finally {
      this.#socket.destroy()
    }
  }
}
