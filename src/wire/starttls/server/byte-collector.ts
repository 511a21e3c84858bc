/** Buffers a partial message of a client, up to the limit of a plain opening. */
import { OPENING_BYTES_MAX } from './plain-opening.js'

export class ByteCollector {
  /** Undefined: nothing is kept. Most messages come in one piece. */
  #kept: Uint8Array | undefined
  #received = 0

  /** The bytes of the message so far: those that were kept, then the first ones of `bytes`. Undefined: over the limit. */
  join(bytes: Uint8Array, byteCount: number): Uint8Array | undefined {
    this.#received += byteCount
    if (this.#received > OPENING_BYTES_MAX) return undefined
    const kept = this.#kept ?? new Uint8Array(0)
    const all = new Uint8Array(kept.length + byteCount)
    all.set(kept)
    all.set(bytes.subarray(0, byteCount), kept.length)
    return all
  }

  keep(rest: Uint8Array): void {
    this.#kept = rest
  }
}
