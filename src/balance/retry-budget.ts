/**
 * Limits the retries, or the hedges, of the clients of a pool in one worker, so that a pool that is down does not get a
 * multiple of its usual attempts. Pure: time is an argument.
 */

/** Firsts and retries are counted by the second and forgotten by the second. */
const BUCKET_MS = 1_000
/** Long enough for a steady percentage at a few clients a second, short enough to follow the load. */
const BUCKETS = 10

/** A percentage of a small load is less than one retry, and a client must be able to reach the other remote. */
const MIN_PER_SECOND = 10

export class RetryBudget {
  readonly percent: number
  /** Retries within the window that are allowed without any first attempt. */
  readonly #reserve: number
  /** A ring: bucket N is at N modulo the number of buckets. */
  readonly #firsts = new Int32Array(BUCKETS)
  readonly #retries = new Int32Array(BUCKETS)
  /** The sums over all buckets. */
  #firstsCount = 0
  #retriesCount = 0
  /** The number of the current bucket. */
  #bucket = 0

  /** `percent`: most retries of a hundred first attempts. */
  constructor(percent: number, minPerSecond = MIN_PER_SECOND) {
    this.percent = percent
    this.#reserve = minPerSecond * BUCKETS
  }

  /** Whether one more retry is within the budget. */
  allows(nowMs: number): boolean {
    this.#advance(nowMs)
    return this.#retriesCount + 1 <= this.#reserve + (this.#firstsCount * this.percent) / 100
  }

  /** An attempt has gone out for a client that had `attempts` before. */
  count(attempts: number, nowMs: number): void {
    this.#advance(nowMs)
    const at = this.#bucket % BUCKETS
    if (attempts === 0) {
      this.#firsts[at] = (this.#firsts[at] as number) + 1
      this.#firstsCount++
    } else {
      this.#retries[at] = (this.#retries[at] as number) + 1
      this.#retriesCount++
    }
  }

  /** Forgets the buckets that have left the window. */
  #advance(nowMs: number): void {
    const bucket = Math.floor(nowMs / BUCKET_MS)
    const passed = Math.min(bucket - this.#bucket, BUCKETS)
    for (let i = 0; i < passed; i++) {
      const at = (bucket - i) % BUCKETS
      this.#firstsCount -= this.#firsts[at] as number
      this.#retriesCount -= this.#retries[at] as number
      this.#firsts[at] = 0
      this.#retries[at] = 0
    }
    if (passed > 0) this.#bucket = bucket
  }
}
