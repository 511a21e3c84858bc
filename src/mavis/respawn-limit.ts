/** Limits how often helpers that die early are restarted. */

/** Early deaths within the window that stop further starts (event-driven-servers, `mavis/libmavis_external.c`). */
const DEATHS_MAX = 30
const WINDOW_MS = 30_000

/** Records early deaths: helpers that ended before their first answer. */
export class RespawnLimit {
  /** Times of the last deaths, the latest last. */
  readonly #atMs: number[] = []

  recordDeath(nowMs: number): void {
    this.#atMs.push(nowMs)
    if (this.#atMs.length > DEATHS_MAX) this.#atMs.shift()
  }

  /** Time until another helper may be started; zero: now. */
  waitMs(nowMs: number): number {
    // At most DEATHS_MAX are kept: if the first of them is in the window, so are all.
    const [first] = this.#atMs
    if (first === undefined || this.#atMs.length < DEATHS_MAX) return 0
    return Math.max(0, first + WINDOW_MS - nowMs)
  }
}
