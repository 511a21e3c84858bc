/** A rate limit for log lines that peers can cause at will. */
import type { Say } from './trace.js'

/** The limit counts lines in this period. */
const PERIOD_MS = 1_000

/** Logs at most `linesPerSecond` lines a second; the next line says how many similar ones were suppressed. */
export class RateLimitedLog {
  readonly #severity: number
  readonly #say: Say
  readonly #linesPerSecond: number
  /** When the current period began. */
  #sinceMs = Number.NEGATIVE_INFINITY
  #logged = 0
  #suppressed = 0

  constructor(severity: number, say: Say, linesPerSecond = 1) {
    this.#severity = severity
    this.#say = say
    this.#linesPerSecond = linesPerSecond
  }

  /** `line` is called only if the line is logged. */
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
