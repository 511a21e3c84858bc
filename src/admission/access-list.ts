/**
 * Access lists about networks. Read the files about access in this folder from here: `compile-access.ts` makes the table,
 * `identity-list.ts` is the list for clients of Unix sockets, `rule-list.ts` combines both with conditions as routes have
 * them, `rule-name.ts` names rules in logs, `authorization.ts` decides what MAVIS is asked.
 */
import {
  type AccessTable,
  ADMITS,
  type Answer,
  MAPPED_WORD,
  WORDS,
  wordAt,
  ZERO_WORD,
} from './access-table.js'
import { NO_RULE, ruleName } from './rule-name.js'

/** Decides by binary search, whatever the number of rules. Allocates nothing per client. */
export class AccessList {
  readonly #table: AccessTable
  readonly #asked = new Int32Array(WORDS)
  /** The range of the last client. */
  #found = 0

  constructor(table: AccessTable) {
    this.#table = table
  }

  /** `bytes`: the 4 or 16 bytes of the client's address, from `at` on. */
  admits(bytes: Uint8Array, at = 0, byteCount: number = bytes.length): boolean {
    return this.#table.answers[this.rangeOf(bytes, at, byteCount)] === ADMITS
  }

  /** The same with what happens to clients that no rule applies to left open. */
  answer(bytes: Uint8Array, at: number, byteCount: number): Answer {
    return this.#table.answers[this.rangeOf(bytes, at, byteCount)] as Answer
  }

  /** The index of the range that contains an address. */
  rangeOf(bytes: Uint8Array, at: number, byteCount: number): number {
    const asked = this.#asked
    if (byteCount === 16) {
      for (let word = 0; word < WORDS; word++) asked[word] = wordAt(bytes, at + word * 4)
    } else {
      asked[0] = ZERO_WORD
      asked[1] = ZERO_WORD
      asked[2] = MAPPED_WORD
      asked[3] = wordAt(bytes, at)
    }
    this.#found = lastUpTo(this.#table.starts, asked)
    return this.#found
  }

  /** The rule that rejected the last client. */
  get rule(): string {
    const { fileOf, files, lineOf } = this.#table
    const file = files[fileOf[this.#found] as number]
    return file === undefined ? NO_RULE : ruleName({ file, line: lineOf[this.#found] as number })
  }
}

/** The index of the last start that is not greater than `asked`; there always is one. */
function lastUpTo(starts: Int32Array, asked: Int32Array): number {
  let low = 0
  let high = starts.length / WORDS
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (isUpTo(starts, middle * WORDS, asked)) low = middle
    else high = middle
  }
  return low
}

function isUpTo(starts: Int32Array, at: number, asked: Int32Array): boolean {
  for (let word = 0; word < WORDS; word++) {
    const start = starts[at + word] as number
    const wanted = asked[word] as number
    if (start !== wanted) return start < wanted
  }
  return true
}
