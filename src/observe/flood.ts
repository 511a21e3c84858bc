import type { Say } from './trace.js'

const TELL_EVERY_MS = 1_000

/** Lines that strangers can cause: one a second, or a few at once, with how many there were before them. */
export class Flood {
  readonly #severity: number
  readonly #say: Say
  readonly #linesPerSecond: number
  /** Since when lines are counted. */
  #sinceMs = Number.NEGATIVE_INFINITY
  #told = 0
  #untold = 0

  constructor(severity: number, say: Say, linesPerSecond = 1) {
    this.#severity = severity
    this.#say = say
    this.#linesPerSecond = linesPerSecond
  }

  /** `line` is asked for only if it is told. */
  tell(nowMs: number, line: () => string): void {
    if (nowMs - this.#sinceMs >= TELL_EVERY_MS) {
      this.#sinceMs = nowMs
      this.#told = 0
    }
    if (this.#told === this.#linesPerSecond) {
      this.#untold++
      return
    }
    const more = this.#untold === 0 ? '' : ` (and ${this.#untold} before it)`
    this.#say(this.#severity, `${line()}${more}`)
    this.#told++
    this.#untold = 0
  }
}
