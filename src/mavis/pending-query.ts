import { byteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import { type Code, ERR, FINAL, type Query, TIMEOUT } from './module.js'

/** A question whose answer is waited for. It ends once: answered, too late, or withdrawn. */
export class PendingQuery {
  readonly query: Query
  /** What helpers are sent. */
  readonly bytes: Uint8Array
  /** Helpers that have ended while they had it. */
  deaths = 0
  readonly #answer: (code: Code) => void
  readonly #onEnd: (question: PendingQuery) => void
  readonly #timer: NodeJS.Timeout
  #isOpen = true

  /** `onEnd` is told before the answer is: whoever asks again finds everything in order. */
  constructor(
    query: Query,
    bytes: Uint8Array,
    answer: (code: Code) => void,
    timeoutMs: number,
    onEnd: (question: PendingQuery) => void,
  ) {
    this.query = query
    this.bytes = bytes
    this.#answer = answer
    this.#onEnd = onEnd
    this.#timer = setTimeout(() => this.expire(), timeoutMs)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** What a helper says is the answer. */
  settle(values: Query['values'], code: Code): void {
    if (!this.#end()) return
    this.query.values = values
    this.#answer(code)
  }

  /** There is no answer. */
  fail(comment: string, code: Code = FINAL): void {
    if (!this.#end()) return
    refuse(this.query, comment)
    this.#answer(code)
  }

  expire(): void {
    this.fail('no answer in time', TIMEOUT)
  }

  withdraw(): void {
    this.#end()
  }

  #end(): boolean {
    if (!this.#isOpen) return false
    this.#isOpen = false
    clearTimeout(this.#timer)
    this.#onEnd(this)
    return true
  }
}

/** The answer where none is to be had: an error, and why. */
export function refuse(query: Query, comment: string): void {
  query.values[AV.RESULT] = ERR
  query.values[AV.COMMENT] = byteString(comment)
}

/** So many helpers may end with one question before it is no more asked: it may be the question that ends them. */
export const DEATHS_MAX = 3

export const NO_HELPER = 'no helper can be started'
