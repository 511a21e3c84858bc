import { Socket } from 'node:net'

/** A frame is a length of four bytes, little-endian, and that many bytes of JSON. */
const HEAD_BYTES = 4

/** More than any configuration; a length beyond it is a broken stream. */
const FRAME_BYTES_MAX = 256 * 1024 * 1024

export interface LinkEvents<In> {
  onMessage(message: In): void
  /** The other process has closed its end, or is gone. */
  onEnd(): void
}

/** One end of the channel between our master and our child: messages in order, both ways. */
export class Link<In, Out> {
  readonly #socket: Socket
  readonly #events: LinkEvents<In>
  /** What has come of a frame that is not whole yet; put together once, when it is. */
  #chunks: Buffer[] = []
  #chunkBytes = 0
  /** Bytes from which on there is something to read. */
  #wantedBytes = HEAD_BYTES

  /**
   * `fd` is a Unix stream socket and belongs to the link. `guard` wraps the handler of bytes where the other process is
   * not trusted.
   */
  constructor(fd: number, events: LinkEvents<In>, guard = (handler: (bytes: Buffer) => void) => handler) {
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
      if (length > FRAME_BYTES_MAX) {
        this.#socket.destroy()
        return
      }
      if (left.length < HEAD_BYTES + length) {
        this.#wantedBytes = HEAD_BYTES + length
        break
      }
      const body = left.toString('utf8', HEAD_BYTES, HEAD_BYTES + length)
      left = left.subarray(HEAD_BYTES + length)
      this.#events.onMessage(JSON.parse(body, decodeBytes) as In)
    }
    this.#chunks = [left]
    this.#chunkBytes = left.length
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
