import { Socket } from 'node:net'

/** A frame is a length of four bytes, little-endian, and that many bytes of JSON. */
const HEAD_BYTES = 4

/** More than any configuration. */
const TRUSTED_FRAME_BYTES_MAX = 256 * 1024 * 1024

const SECOND_MS = 1_000

export interface LinkEvents<In> {
  onMessage(message: In): void
  /** The other process has sent what the rules do not allow. The link is closed; `onEnd` follows. */
  onViolation?(what: string): void
  /** The other process has closed its end, or is gone. */
  onEnd(): void
}

/** What the other process may send. */
export interface FrameRules<In> {
  readonly frameBytesMax: number
  readonly framesPerSecondMax: number
  /** The message that a frame holds; undefined when it holds none. May throw, for the same. */
  decode(text: string): In | undefined
}

/** For messages of a process that is trusted with everything: the master's. */
export function trusting<In>(): FrameRules<In> {
  return {
    frameBytesMax: TRUSTED_FRAME_BYTES_MAX,
    framesPerSecondMax: Number.POSITIVE_INFINITY,
    decode: (text) => JSON.parse(text, decodeBytes) as In,
  }
}

/** One end of the channel between our master and our child: messages in order, both ways. */
export class Link<In, Out> {
  readonly #socket: Socket
  readonly #events: LinkEvents<In>
  readonly #rules: FrameRules<In>
  /** What has come of a frame that is not whole yet; put together once, when it is. */
  #chunks: Buffer[] = []
  #chunkBytes = 0
  /** Bytes from which on there is something to read. */
  #wantedBytes = HEAD_BYTES
  /** Since when frames are counted. */
  #sinceMs = Number.NEGATIVE_INFINITY
  #frames = 0

  /**
   * `fd` is a Unix stream socket and belongs to the link. `guard` wraps the handler of bytes where the other process is
   * not trusted.
   */
  constructor(
    fd: number,
    rules: FrameRules<In>,
    events: LinkEvents<In>,
    guard = (handler: (bytes: Buffer) => void) => handler,
  ) {
    this.#rules = rules
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
    if (!this.#socket.writable) return
    const body = Buffer.from(JSON.stringify(message, encodeBytes))
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
      const body = left.toString('utf8', HEAD_BYTES, HEAD_BYTES + length)
      left = left.subarray(HEAD_BYTES + length)
      const message = this.#read(body)
      if (message === undefined) return
      this.#events.onMessage(message)
      if (this.#socket.destroyed) return
    }
    this.#chunks = [left]
    this.#chunkBytes = left.length
  }

  /** Undefined when the link is broken. */
  #read(body: string): In | undefined {
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
    if (message === undefined) this.#break(`an unknown message of ${body.length} characters`)
    return message
  }

  #decode(body: string): In | undefined {
    try {
      return this.#rules.decode(body)
    } catch {
      return undefined
    }
  }

  #break(what: string): void {
    this.#socket.destroy()
    this.#events.onViolation?.(what)
  }
}

const BYTES_KEY = '$base64'
/** Of numbers with 32 bits, in the byte order of both ends: they are on the same machine. */
const WORDS_KEY = '$int32'

function encodeBytes(_key: string, value: unknown): unknown {
  if (isSerializedBuffer(value)) return { [BYTES_KEY]: Buffer.from(value.data).toString('base64') }
  if (value instanceof Int32Array) {
    const { buffer, byteLength, byteOffset } = value
    return { [WORDS_KEY]: Buffer.from(buffer, byteOffset, byteLength).toString('base64') }
  }
  return value instanceof Uint8Array ? { [BYTES_KEY]: Buffer.from(value).toString('base64') } : value
}

/** A Buffer has turned itself into this before JSON.stringify asks. */
function isSerializedBuffer(value: unknown): value is { readonly data: readonly number[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    value.type === 'Buffer' &&
    'data' in value
  )
}

function decodeBytes(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (BYTES_KEY in value) return decoded(value[BYTES_KEY])
  return WORDS_KEY in value ? new Int32Array(decoded(value[WORDS_KEY]).buffer) : value
}

function decoded(base64: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(String(base64), 'base64'))
}
