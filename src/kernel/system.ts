/** What the relay takes from outside: system calls and the clock. The simulation replaces both by its own. */
import type { Calls } from './calls.js'

export interface Clock {
  /** CLOCK_MONOTONIC in milliseconds, with fractions. */
  monotonicMs(): number
  /** Like `monotonicMs`, but stored in `into[0]`: V8 boxes a returned double, and the loop calls this every turn. */
  readMonotonicMs(into: Float64Array): void
  /** Wall-clock time: milliseconds since 1970. */
  wallMs(): number
}

export interface System {
  readonly calls: Calls
  readonly clock: Clock
}
