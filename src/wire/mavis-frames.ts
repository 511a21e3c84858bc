/** The binary frames between MAVIS modules and helpers that answer many queries at a time. */
import type { ByteString } from '../base/byte-string.js'
import { byteStringOf, TEXT_BYTES_MAX } from './mavis-answer.js'
import { decodeLines, encodeLines, type Values } from './mavis-lines.js'

/** `Ma` and the version (event-driven-servers, `mavis/mavis.h`). */
const MAGIC = 0x4d61_0001

/** Magic, body length and result, each 32 bits in network byte order. */
const HEAD_BYTES = 12

/** Encodes a query. */
export function encodeFrame(values: Values, result = 0): Uint8Array {
  const body = encodeLines(values)
  const bytes = new Uint8Array(HEAD_BYTES + body.length)
  const head = new DataView(bytes.buffer)
  head.setUint32(0, MAGIC)
  head.setUint32(4, body.length)
  head.setUint32(8, result)
  for (let at = 0; at < body.length; at++) bytes[HEAD_BYTES + at] = body.charCodeAt(at)
  return bytes
}

export type FrameReading =
  | { readonly kind: 'frame'; readonly values: (ByteString | undefined)[]; readonly code: number }
  /** The length in the head is over the limit. */
  | { readonly kind: 'too-long' }
  /** Wrong magic, or a malformed body. */
  | { readonly kind: 'malformed' }

/** Reads frames from chunks of any size. */
export class FrameReader {
  #kept: Uint8Array = new Uint8Array(0)
  /** Bytes in `#kept`, which is allocated for the announced length: a frame in small chunks is copied once. */
  #keptBytes = 0
  /** A frame was malformed: the start of the next one is unknown, and the length in its head must not be used. */
  #isBroken = false

  /** Returns the frames that are complete. After a malformed frame all further bytes are ignored. */
  push(bytes: Uint8Array): FrameReading[] {
    const readings: FrameReading[] = []
    for (let left = bytes; left.length > 0 && !this.#isBroken; ) {
      const wanted = this.#wantedBytes()
      const taken = left.subarray(0, wanted - this.#keptBytes)
      left = left.subarray(taken.length)
      this.#keep(taken, wanted)
      // At the end of a head as well: its length is checked before memory is allocated for the body.
      const reading = this.#keptBytes < wanted ? undefined : this.#read()
      if (reading !== undefined) readings.push(reading)
      this.#isBroken = reading !== undefined && reading.kind !== 'frame'
    }
    return readings
  }

  /** Bytes needed next: up to the end of the head, then of the frame. */
  #wantedBytes(): number {
    return this.#keptBytes < HEAD_BYTES ? HEAD_BYTES : HEAD_BYTES + this.#word(4)
  }

  #keep(bytes: Uint8Array, wanted: number): void {
    if (this.#kept.length < wanted) {
      const larger = new Uint8Array(wanted)
      larger.set(this.#kept.subarray(0, this.#keptBytes))
      this.#kept = larger
    }
    this.#kept.set(bytes, this.#keptBytes)
    this.#keptBytes += bytes.length
  }

  /** Undefined when only the head is complete. */
  #read(): FrameReading | undefined {
    const bodyBytes = this.#word(4)
    if (this.#word(0) !== MAGIC) return { kind: 'malformed' }
    if (bodyBytes > TEXT_BYTES_MAX) return { kind: 'too-long' }
    if (this.#keptBytes < HEAD_BYTES + bodyBytes) return undefined
    const body = byteStringOf(this.#kept.subarray(HEAD_BYTES, this.#keptBytes))
    const code = this.#word(8)
    this.#kept = new Uint8Array(0)
    this.#keptBytes = 0
    const values = decodeLines(withoutEmptyLines(body))
    return values === undefined ? { kind: 'malformed' } : { kind: 'frame', values, code }
  }

  #word(at: number): number {
    return new DataView(this.#kept.buffer, this.#kept.byteOffset).getUint32(at)
  }
}

/** Ignores empty lines at the end, as the original does: helpers differ in them. */
function withoutEmptyLines(body: ByteString): ByteString {
  let end = body.length
  while (end > 0 && body[end - 1] === '\n') end--
  return body.slice(0, end)
}
