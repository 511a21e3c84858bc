import { DEBUG } from './severity.js'

/** Where lines of a thread go: the log ring in a reactor, the log itself in the head. */
export type Say = (severity: number, text: string) => void

/**
 * The trace flags that the documentation of the original names, with its numbers; `-d` and `debug` take them.
 * What each shows here is said in docs/operations.md.
 */
export const TRACE_BITS = {
  PARSE: 1,
  CONFIG: 16,
  PACKET: 32,
  ACL: 512,
  BUFFER: 4096,
  PROC: 8192,
  NET: 16384,
  DNS: 1048576,
} as const
export type TraceName = keyof typeof TRACE_BITS

/**
 * One subject that can be traced. Costs one check of a field while it is off:
 * `if (net.isOn) net.say(…)`.
 */
export class TraceChannel {
  readonly name: TraceName
  isOn = false
  #say: Say = () => {}

  constructor(name: TraceName) {
    this.name = name
  }

  /** Applies a mask of TRACE_BITS. */
  set(mask: number, say: Say): void {
    this.isOn = (mask & TRACE_BITS[this.name]) !== 0
    this.#say = say
  }

  say(text: string): void {
    this.#say(DEBUG, `${this.name}: ${text}`)
  }
}
