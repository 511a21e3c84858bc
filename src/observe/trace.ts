/** Trace channels for debugging (`-d`, `debug`). */
import { DEBUG } from './severity.js'

/** Logs a line: to the log ring on a reactor, to the log itself on the control thread of the head. */
export type Say = (severity: number, text: string) => void

/**
 * The channels that can be traced, with the bits that `-d` and `debug` use for them in the original.
 * docs/operations.md describes each; other bits are accepted and ignored.
 */
export const TRACE_BITS = { CONFIG: 16, PROC: 8192, NET: 16_384, DNS: 1_048_576 } as const
export type TraceName = keyof typeof TRACE_BITS

/** One trace channel. Costs one check of a field while it is off: `if (net.isOn) net.say(…)`. */
export class TraceChannel {
  readonly isOn: boolean
  readonly #name: TraceName
  readonly #say: Say

  /** On when `mask` contains the bit of `name`. */
  constructor(name: TraceName, mask: number, say: Say) {
    this.#name = name
    this.isOn = (mask & TRACE_BITS[name]) !== 0
    this.#say = say
  }

  say(text: string): void {
    this.#say(DEBUG, `${this.#name}: ${text}`)
  }
}
