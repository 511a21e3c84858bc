import { DEBUG } from './severity.js'

/** Where lines of a thread go: the log ring in a reactor, the log itself in the head. */
export type Say = (severity: number, text: string) => void

/**
 * The subjects that can be traced, with the numbers that `-d` and `debug` have for them in the documentation of
 * the original. What each shows is said in docs/operations.md; the other numbers are accepted and show nothing.
 */
export const TRACE_BITS = { CONFIG: 16, PROC: 8192, NET: 16_384, DNS: 1_048_576 } as const
export type TraceName = keyof typeof TRACE_BITS

/**
 * One subject that can be traced. Costs one check of a field while it is off:
 * `if (net.isOn) net.say(…)`.
 */
export class TraceChannel {
  readonly isOn: boolean
  readonly #name: TraceName
  readonly #say: Say

  /** On when `mask` has its bit of TRACE_BITS. */
  constructor(name: TraceName, mask: number, say: Say) {
    this.#name = name
    this.isOn = (mask & TRACE_BITS[name]) !== 0
    this.#say = say
  }

  say(text: string): void {
    this.#say(DEBUG, `${this.#name}: ${text}`)
  }
}
