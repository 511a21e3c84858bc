import { Histogram, type Percentiles } from './histogram.js'

/** What has become of the requests of one kind. */
export interface TallyReport {
  /** Answered, in the lead-in too. */
  readonly answered: number
  /** Answered, and due after the lead-in: what the percentiles are of. */
  readonly recorded: number
  readonly broken: number
  /** The most that waited for a reply at the same time. */
  readonly pendingMax: number
  /** Why the first of them broke. */
  readonly complaint?: string
  /** From the moment that it was due at to the end of its reply. */
  readonly latency: Percentiles
  /** From the moment that it was due at to its leaving: the generator's own part of the latency. */
  readonly lag: Percentiles
}

/** Counts requests, and how long they took since they were due. */
export class Tally {
  readonly #latency = new Histogram()
  readonly #lag = new Histogram()
  /** What is due before it warms everything up and is not in the percentiles. */
  recordFromMs = Number.POSITIVE_INFINITY
  #sent = 0
  #answered = 0
  #broken = 0
  #pendingMax = 0
  #complaint: string | undefined

  get pending(): number {
    return this.#sent - this.#answered - this.#broken
  }

  /** Everything that is sent is answered or breaks later. */
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
