/** Reads the fields of a binary message from its beginning on. A field that is not there is a `ProbeFailure`. */
import type { Buffer } from 'node:buffer'
import { ProbeFailure } from './probe-failure.js'

export class ByteReader {
  readonly #bytes: Buffer
  readonly #what: string
  #at = 0

  /** `what`: the message, part of a failure: `bad greeting`. */
  constructor(bytes: Buffer, what: string) {
    this.#bytes = bytes
    this.#what = what
  }

  get left(): number {
    return this.#bytes.byteLength - this.#at
  }

  take(length: number): Buffer {
    if (length > this.left) this.fail()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  byte(): number {
    return this.take(1).readUInt8(0)
  }

  word(): number {
    return this.take(2).readUInt16LE(0)
  }

  /** Without the NUL at its end. */
  zeroTerminated(): string {
    const end = this.#bytes.indexOf(0, this.#at)
    if (end < 0) this.fail()
    const text = this.take(end - this.#at).toString('utf8')
    this.#at += 1
    return text
  }

  rest(): Buffer {
    return this.take(this.left)
  }

  fail(): never {
    throw new ProbeFailure(`bad ${this.#what}`)
  }
}
