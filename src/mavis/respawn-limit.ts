/** So many of them, each within this time, and no more are started (event-driven-servers, `mavis/libmavis_external.c`). */
const DEATHS_MAX = 30
const WINDOW_MS = 30_000

/** Counts the helpers that end before they are of any use, so that starting them does not become all that is done. */
export class RespawnLimit {
  /** When they happened, the latest last; no more than matter. */
  readonly #atMs: number[] = []

  note(nowMs: number): void {
    this.#atMs.push(nowMs)
    if (this.#atMs.length > DEATHS_MAX) this.#atMs.shift()
  }

  /** Until another one may be started; zero: at once. */
  waitMs(nowMs: number): number {
    const [first] = this.#atMs
    if (first === undefined || this.#atMs.length < DEATHS_MAX) return 0
    return Math.max(0, first + WINDOW_MS - nowMs)
  }
}
