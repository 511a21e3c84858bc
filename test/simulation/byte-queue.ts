const FIRST_CAPACITY = 256

/** A queue of bytes: a buffer of a socket or of a pipe. */
export class ByteQueue {
  #bytes = new Uint8Array(FIRST_CAPACITY)
  #start = 0
  #end = 0

  get length(): number {
    return this.#end - this.#start
  }

  /** All bytes, valid until the next change. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end)
  }

  push(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#bytes.length) this.#makeRoom(bytes.length)
    this.#bytes.set(bytes, this.#end)
    this.#end += bytes.length
  }

  /** Removes up to `most` bytes. Valid until the next change. */
  take(most: number): Uint8Array {
    const taken = this.bytes.subarray(0, most)
    this.#start += taken.length
    return taken
  }

  clear(): void {
    this.#start = this.#end
  }

  #makeRoom(byteCount: number): void {
    const { bytes, length } = this
    const isEnough = (length + byteCount) * 2 <= this.#bytes.length
    const into = isEnough ? this.#bytes : new Uint8Array((length + byteCount) * 2)
    into.set(bytes)
    this.#bytes = into
    this.#start = 0
    this.#end = length
  }
}
