import { byteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import { type Code, ERR, FINAL, type Query, TIMEOUT } from './module.js'

/** A query that a helper process has to answer. It ends once: answered, failed, timed out or withdrawn. */
export class PendingQuery {
  readonly query: Query
  /** The encoded query. */
  readonly bytes: Uint8Array
  /** Helpers that ended while working on it. */
  deaths = 0
  readonly #answer: (code: Code) => void
  readonly #onEnd: (pending: PendingQuery) => void
  /** Runs for `mavis timeout`, whatever helpers do. */
  readonly #timer: NodeJS.Timeout
  #isOpen = true

  /** `onEnd` is called before `answer`, so that the module's state is consistent when the answer causes a query. */
  constructor(
    query: Query,
    bytes: Uint8Array,
    answer: (code: Code) => void,
    timeoutMs: number,
    onEnd: (pending: PendingQuery) => void,
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

  /** Ends it with a helper's answer. */
  settle(values: Query['values'], code: Code): void {
    if (!this.#end()) return
    // Replaces all values, as the protocol demands: an answer repeats what it does not change.
    this.query.values = values
    this.#answer(code)
  }

  /** Ends it without an answer: RESULT is ERR, COMMENT says why. */
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

/** Sets the answer of a query that cannot be answered: RESULT ERR, and the reason as COMMENT. */
export function refuse(query: Query, comment: string): void {
  query.values[AV.RESULT] = ERR
  query.values[AV.COMMENT] = byteString(comment)
}

/** Helpers that may end on one query before it is given up: the query may be what ends them. */
export const DEATHS_MAX = 3

/** Reasons for a COMMENT. */
export const NO_HELPER = 'no helper can be started'
export const HELPERS_DIED = 'helpers terminated without an answer'
export const CLOSING = 'the module is shutting down'
export const TOO_LONG = 'the query is too long'
export const DUPLICATE_SERIAL = 'another open query has the same serial'
