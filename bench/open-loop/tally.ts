import { Histogram, type Percentiles } from './histogram.js'

/** Outcomes of the requests of one kind. */
export interface TallyReport {
  /** Answered, including the lead-in. */
  readonly answered: number
  /** Answered, and due after the lead-in: those in the percentiles. */
  readonly recorded: number
  readonly broken: number
  /** Maximum of requests without a reply at one time. */
  readonly pendingMax: number
  /** Why the first of them broke. */
  readonly complaint?: string
  /** From its due time to the end of its reply. */
  readonly latency: Percentiles
  /** From its due time to its sending: the generator's own part of the latency. */
  readonly lag: Percentiles
}

/** Counts requests, and the time since they were due. */
export class Tally {
  readonly #latency = new Histogram()
  readonly #lag = new Histogram()
  /** Requests due before this only warm up and are not in the percentiles. */
  recordFromMs = Number.POSITIVE_INFINITY
  #sent = 0
  #answered = 0
  #broken = 0
  #pendingMax = 0
  #complaint: string | undefined

  get pending(): number {
    return this.#sent - this.#answered - this.#broken
  }

  /** Every request that is sent is answered or breaks later. */
  sent(dueMs: number, nowMs: number): void {
    this.#sent++
    this.#pendingMax = Math.max(this.#pendingMax, this.pending)
    if (dueMs >= this.recordFromMs) this.#lag.add((nowMs - dueMs) * 1e3)
  }

  answered(dueMs: number, nowMs: number): void {
    this.#answered++
    if (dueMs >= this.recordFromMs) this.#latency.add((nowMs - dueMs) * 1e3)
  }

  broke(count: number, reason: string): void {
    if (count === 0) return
    this.#broken += count
    this.#complaint ??= reason
  }

  get report(): TallyReport {
    return {
      answered: this.#answered,
      recorded: this.#latency.count,
      broken: this.#broken,
      pendingMax: this.#pendingMax,
      ...(this.#complaint === undefined ? {} : { complaint: this.#complaint }),
      latency: this.#latency.percentiles,
      lag: this.#lag.percentiles,
    }
  }
}
