import type { Clock } from '../../src/kernel/system.js'

/** A clock that shows what `time` says. */
export function monotonic(time: { readonly nowMs: number }): Clock {
  return {
    monotonicMs: () => time.nowMs,
    readMonotonicMs: (into) => {
      into[0] = time.nowMs
    },
    wallMs: Date.now,
  }
}
