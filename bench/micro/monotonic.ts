import type { Clock } from '../../src/kernel/system.js'

/** A clock that shows `time`. */
export function monotonic(time: { readonly nowMs: number }): Clock {
  return {
    monotonicMs: () => time.nowMs,
    readMonotonicMs: (into) => {
      into[0] = time.nowMs
    },
    wallMs: Date.now,
  }
}
