/**
 * When each request is due: at a fixed rate from the start on, independent of earlier ones. Times are
 * CLOCK_MONOTONIC in milliseconds.
 */
export class Schedule {
  readonly startMs: number
  /** A whole number of nanoseconds, the unit of the kernel's timers, so that both stay in step. */
  readonly intervalNs: number
  readonly #total: number
  #taken = 0

  constructor(startMs: number, perSecond: number, seconds: number) {
    this.startMs = startMs
    this.intervalNs = Math.round(1e9 / perSecond)
    this.#total = Math.round(perSecond * seconds)
  }

  get isOver(): boolean {
    return this.#taken >= this.#total
  }

  isDue(nowMs: number): boolean {
    return !this.isOver && this.#nextMs <= nowMs
  }

  /** Takes the next one out, and returns when it was due, however late that is. */
  take(): number {
    const dueMs = this.#nextMs
    this.#taken++
    return dueMs
  }

  get #nextMs(): number {
    return this.startMs + (this.#taken * this.intervalNs) / 1e6
  }
}
