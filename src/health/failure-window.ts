/** Counts failures of a remote in a sliding window: `fail after = N in T`. */
import type { FailAfter } from '../base/fail-after.js'

export class FailureWindow {
  readonly #withinMs: number
  /** Times of the last failures, the oldest one at `#next`. */
  readonly #times: Float64Array
  #next = 0

  constructor({ count, withinMs }: FailAfter) {
    this.#withinMs = withinMs
    this.#times = new Float64Array(count).fill(Number.NEGATIVE_INFINITY)
  }

  /** Records a failure. True: as many as it takes have been within the time; they are then forgotten. */
  note(atMs: number): boolean {
    this.#times[this.#next] = atMs
    this.#next = (this.#next + 1) % this.#times.length
    if (atMs - (this.#times[this.#next] as number) > this.#withinMs) return false
    this.clear()
    return true
  }

  clear(): void {
    this.#times.fill(Number.NEGATIVE_INFINITY)
  }
}
