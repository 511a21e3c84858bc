import type { Say } from './trace.js'

const TELL_EVERY_MS = 1_000

/** Lines that strangers can cause: one a second, with how many there were before it. */
export class Flood {
  readonly #severity: number
  readonly #say: Say
  #toldAtMs = Number.NEGATIVE_INFINITY
  #untold = 0

  constructor(severity: number, say: Say) {
    this.#severity = severity
    this.#say = say
  }

  /** `line` is asked for only if it is told. */
  tell(nowMs: number, line: () => string): void {
    if (nowMs - this.#toldAtMs < TELL_EVERY_MS) {
      this.#untold++
      return
    }
    const more = this.#untold === 0 ? '' : ` (and ${this.#untold} before it)`
    this.#say(this.#severity, `${line()}${more}`)
    this.#toldAtMs = nowMs
    this.#untold = 0
  }
}
