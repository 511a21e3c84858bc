import type { Calls, Fd, Outcome } from '../../src/kernel/calls.js'
import { mapPrivate } from '../../src/kernel/memory.js'
import { replyBytes } from './http-reply.js'

/** Room for a score of nginx's small replies; more of them wait in the socket. */
const BUFFER_BYTES = 4_096

/** Receives from one connection at a time and splits the bytes into replies. */
export class ReplyReader {
  readonly #calls: Calls
  readonly #region = mapPrivate(BUFFER_BYTES)
  readonly #bytes = Buffer.from(this.#region.bytes.buffer)
  #from = 0
  #to = 0

  constructor(calls: Calls) {
    this.#calls = calls
  }

  /** As recv(2). Every reply is taken out before the next call. */
  receive(fd: Fd): Outcome {
    this.#bytes.copyWithin(0, this.#from, this.#to)
    this.#to -= this.#from
    this.#from = 0
    if (this.#to === BUFFER_BYTES) throw new Error(`a reply has more than ${BUFFER_BYTES} bytes`)
    const count = this.#calls.recv(fd, this.#region, this.#to, BUFFER_BYTES - this.#to)
    if (count > 0) this.#to += count
    return count
  }

  /** Takes a whole reply out; false if there is none. Throws as `replyBytes`. */
  take(): boolean {
    const length = replyBytes(this.#bytes, this.#from, this.#to)
    this.#from += length
    return length > 0
  }

  /** Drops its bytes, for another connection. */
  clear(): void {
    this.#from = 0
    this.#to = 0
  }
}
