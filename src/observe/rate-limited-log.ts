import type { Say } from './trace.js'

const PERIOD_MS = 1_000

/** Lines that strangers can cause: one a second, or a few at once, with how many there were before them. */
export class RateLimitedLog {
  readonly #severity: number
  readonly #say: Say
  readonly #linesPerSecond: number
  /** Since when lines are counted. */
  #sinceMs = Number.NEGATIVE_INFINITY
  #logged = 0
  #suppressed = 0

  constructor(severity: number, say: Say, linesPerSecond = 1) {
    this.#severity = severity
    this.#say = say
    this.#linesPerSecond = linesPerSecond
  }

  /** `line` is asked for only if it is told. */
  log(nowMs: number, line: () => string): void {
    if (nowMs - this.#sinceMs >= PERIOD_MS) {
      this.#sinceMs = nowMs
      this.#logged = 0
    }
    if (this.#logged === this.#linesPerSecond) {
      this.#suppressed++
      return
    }
    const more = this.#suppressed === 0 ? '' : ` (${this.#suppressed} similar suppressed)`
    this.#say(this.#severity, `${line()}${more}`)
    this.#logged++
    this.#suppressed = 0
  }
}
