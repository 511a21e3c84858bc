/**
 * The order of waiting clients over all workers: each worker has a queue of its own, and a free place belongs to the
 * worker whose first client has waited longest. Pure: time is an argument.
 */
import { NONE } from './policy.js'

/**
 * How long a place is left to another worker whose client came earlier. Workers look for places every 2 ms, so one that
 * has not taken it by then hangs or is stopped.
 */
const LEFT_TO_OTHERS_MS = 20

export class QueueOrder {
  /** By worker: when its first client was queued, at `#index`; 0: none. A compromised worker may write any value. */
  readonly #since: readonly Float64Array[]
  readonly #own: number
  readonly #index: number
  /** By worker: its first client when it let a place go by. It is skipped until it has another one. */
  readonly #skipped: Float64Array
  /** The worker that a place is left to, NONE if there is none, and since when. */
  #favoured = NONE
  #favouredSince = 0
  #leftAtMs = 0

  /** `index`: of the pool in each row; `own`: this worker. */
  constructor(since: readonly Float64Array[], own: number, index: number) {
    this.#since = since
    this.#own = own
    this.#index = index
    this.#skipped = new Float64Array(since.length)
  }

  /** Publishes when the first client of this worker was queued; 0: none waits. */
  setFirst(queuedAtMs: number): void {
    const row = this.#since[this.#own] as Float64Array
    row[this.#index] = queuedAtMs
  }

  /** No place is free. */
  onFull(): void {
    this.#favoured = NONE
  }

  /** A place is free: whether it belongs to the first client of this worker. */
  mayTake(nowMs: number): boolean {
    for (;;) {
      const worker = this.#findOlder()
      if (worker === NONE) return true
      const since = this.#sinceOf(worker)
      if (worker !== this.#favoured || since !== this.#favouredSince) {
        this.#favoured = worker
        this.#favouredSince = since
        this.#leftAtMs = nowMs
      }
      if (nowMs - this.#leftAtMs < LEFT_TO_OTHERS_MS) return false
      this.#skipped[worker] = since
    }
  }

  /** The worker whose first client has waited longest, if that is longer than this worker's. Equal times: the lower slot. */
  #findOlder(): number {
    let oldest = NONE
    let oldestSince = this.#sinceOf(this.#own)
    for (let worker = 0; worker < this.#since.length; worker++) {
      const since = this.#sinceOf(worker)
      if (!(since > 0) || worker === this.#own || since === this.#skipped[worker]) continue
      if (since > oldestSince || (since === oldestSince && (oldest !== NONE || worker > this.#own))) continue
      oldest = worker
      oldestSince = since
    }
    return oldest
  }

  #sinceOf(worker: number): number {
    return (this.#since[worker] as Float64Array)[this.#index] as number
  }
}
