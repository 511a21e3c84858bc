/**
 * The last decisions of a worker in shared memory: which remote each client got, from how many, as numbers. The reactor
 * writes without allocation, the head reads. A child may have written anything, so every number is checked.
 */
import type { ChildCells } from '../cells/cells.js'
import { DECISION_BYTES, DECISIONS_MAX, SKIP_COUNTS_MAX } from '../cells/layout.js'

/** Indexes in a record, of 32-bit words; the time is the first Float64, the skip counts are 16-bit. */
const SEQUENCE = 2
const LISTENER = 3
const RULE = 4
const POOL = 5
const REMOTE = 6
const ATTEMPTS = 7
const DRAW = 8
const CANDIDATES = 9
const SKIPS_AT = 20

const WORDS = DECISION_BYTES / 4
const DOUBLES = DECISION_BYTES / 8
const HALVES = DECISION_BYTES / 2

/** 16-bit. */
const SKIP_MAX = 65_535
/** Sequence numbers begin again at 1 behind this one, which every ring ends with. */
const SEQUENCE_MAX = 2 ** 30 - (2 ** 30 % DECISIONS_MAX)

/** The numbers of one decision, with names; see `DecisionWriter`. */
export interface DecisionRecord {
  /** CLOCK_MONOTONIC. */
  readonly atMs: number
  readonly listener: number
  readonly rule: number
  readonly pool: number
  readonly remote: number
  readonly attempts: number
  readonly draw: number
  readonly candidates: number
  readonly skipped: readonly number[]
}

/**
 * The writer: one thread. Fields are set one by one between `begin` and `end`, so that no record is allocated.
 */
export class DecisionWriter {
  readonly #words: Int32Array
  readonly #halves: Uint16Array
  readonly #doubles: Float64Array
  #sequence = 0
  #record = 0

  constructor({ decisions }: Pick<ChildCells, 'decisions'>) {
    const { doubles, halves, words } = viewsOf(decisions)
    this.#words = words
    this.#halves = halves
    this.#doubles = doubles
  }

  /** Begins a record in place of the oldest one; its time is that of the clock. A reader ignores it until `end`. */
  begin(clock: { readonly nowMs: number }): void {
    this.#record = this.#sequence % DECISIONS_MAX
    Atomics.store(this.#words, this.#record * WORDS + SEQUENCE, 0)
    this.#doubles[this.#record * DOUBLES] = clock.nowMs
  }

  /** Its slot, or -1. */
  set listener(slot: number) {
    this.#set(LISTENER, slot)
  }

  /** What chose the pool: the index of a route, or a negative number (`relay/opening/decided-by.ts`). */
  set rule(index: number) {
    this.#set(RULE, index)
  }

  /** Index in the plan. */
  set pool(index: number) {
    this.#set(POOL, index)
  }

  /** The slot that was chosen, or NONE or FULL. */
  set remote(slot: number) {
    this.#set(REMOTE, slot)
  }

  /** Choices for this client before this one. */
  set attempts(count: number) {
    this.#set(ATTEMPTS, count)
  }

  /** The client's hash, or the seed of the random numbers. */
  set draw(bits: number) {
    this.#set(DRAW, bits)
  }

  /** Remotes that the policy could choose from, or a negative number (`balance/census.ts`). */
  set candidates(count: number) {
    this.#set(CANDIDATES, count)
  }

  /** By the index of SKIP_REASONS. */
  setSkipped(counts: Int32Array): void {
    const at = this.#record * HALVES + SKIPS_AT
    for (let i = 0; i < counts.length; i++) {
      const count = counts[i] as number
      this.#halves[at + i] = Math.min(count, SKIP_MAX)
    }
  }

  end(): void {
    this.#sequence = this.#sequence === SEQUENCE_MAX ? 1 : this.#sequence + 1
    Atomics.store(this.#words, this.#record * WORDS + SEQUENCE, this.#sequence)
  }

  #set(field: number, value: number): void {
    this.#words[this.#record * WORDS + field] = value
  }
}

/** What the numbers of a worker may be at most: those of its plan. Others are not its decisions. */
export interface DecisionBounds {
  readonly listeners: number
  readonly rules: number
  readonly pools: number
  readonly remotes: number
  /** The present time: a decision of the future is none. */
  readonly nowMs: number
}

/** More than any client makes before its dial timeout. */
const ATTEMPTS_MAX = 1_000_000
/** The lowest of the numbers that are no index. */
const RULE_MIN = -2
const REMOTE_MIN = -2
const CANDIDATES_MIN = -2

/** The reader, in the head. */
export class DecisionReader {
  readonly #words: Int32Array
  readonly #halves: Uint16Array
  readonly #doubles: Float64Array

  constructor({ decisions }: Pick<ChildCells, 'decisions'>) {
    const { doubles, halves, words } = viewsOf(decisions)
    this.#words = words
    this.#halves = halves
    this.#doubles = doubles
  }

  /** The last decisions, the newest first, without records that are being written or are invalid. */
  read(bounds: DecisionBounds): readonly DecisionRecord[] {
    const found: { readonly sequence: number; readonly record: DecisionRecord }[] = []
    for (let index = 0; index < DECISIONS_MAX; index++) {
      const sequence = this.#sequenceOf(index)
      if (sequence <= 0 || (sequence - 1) % DECISIONS_MAX !== index) continue
      const record = this.#recordAt(index)
      if (this.#sequenceOf(index) === sequence && isValid(record, bounds)) found.push({ sequence, record })
    }
    // By time first: sequence numbers begin again after a billion decisions.
    found.sort((a, b) => b.record.atMs - a.record.atMs || b.sequence - a.sequence)
    return found.map(({ record }) => record)
  }

  #sequenceOf(index: number): number {
    return Atomics.load(this.#words, index * WORDS + SEQUENCE)
  }

  #recordAt(index: number): DecisionRecord {
    const word = (field: number) => this.#words[index * WORDS + field] as number
    const skipsAt = index * HALVES + SKIPS_AT
    return {
      atMs: this.#doubles[index * DOUBLES] as number,
      listener: word(LISTENER),
      rule: word(RULE),
      pool: word(POOL),
      remote: word(REMOTE),
      attempts: word(ATTEMPTS),
      draw: word(DRAW),
      candidates: word(CANDIDATES),
      skipped: [...this.#halves.subarray(skipsAt, skipsAt + SKIP_COUNTS_MAX)],
    }
  }
}

function isValid(record: DecisionRecord, bounds: DecisionBounds): boolean {
  const { atMs, attempts, candidates, listener, pool, remote, rule } = record
  return (
    atMs >= 0 &&
    atMs <= bounds.nowMs &&
    isWithin(listener, -1, bounds.listeners) &&
    isWithin(rule, RULE_MIN, bounds.rules) &&
    isWithin(pool, 0, bounds.pools) &&
    isWithin(remote, REMOTE_MIN, bounds.remotes) &&
    isWithin(attempts, 0, ATTEMPTS_MAX) &&
    isWithin(candidates, CANDIDATES_MIN, bounds.remotes + 1)
  )
}

function isWithin(value: number, least: number, end: number): boolean {
  return value >= least && value < end
}

function viewsOf({ buffer, byteLength, byteOffset }: Uint8Array) {
  return {
    words: new Int32Array(buffer, byteOffset, byteLength / 4),
    halves: new Uint16Array(buffer, byteOffset, byteLength / 2),
    doubles: new Float64Array(buffer, byteOffset, byteLength / 8),
  }
}
