/** Times in answers. */
import type { Clock } from '../../kernel/system.js'

export function isoTime(wallMs: number): string {
  return new Date(wallMs).toISOString()
}

/** A time of CLOCK_MONOTONIC on the wall clock, as it is set now. */
export function wallTime(clock: Clock, monotonicMs: number): string {
  return isoTime(clock.wallMs() - clock.monotonicMs() + monotonicMs)
}
