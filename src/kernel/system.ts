import type { Calls } from './calls.js'

export interface Clock {
  /** CLOCK_MONOTONIC in milliseconds, with fractions. */
  monotonicMs(): number
  /** The same, left in `into[0]`: for who asks all the time. A fraction that a function returns is a heap object. */
  readMonotonicMs(into: Float64Array): void
  /** Milliseconds since 1970. */
  wallMs(): number
}

/** Everything the relay takes from outside, as one value. */
export interface System {
  readonly calls: Calls
  readonly clock: Clock
  /** Uniform in [0, 1). */
  random(): number
}
