/** The implementation of `System` on Linux. */
import { CLOCK_MONOTONIC } from './constants.js'
import { nativeFunction } from './ffi.js'
import { linuxCalls } from './linux-calls.js'
import { mapPrivate } from './memory.js'
import type { Clock, System } from './system.js'

/** Must be created per thread, as `linuxCalls`. */
export function linuxSystem(): System {
  return { calls: linuxCalls(), clock: linuxClock() }
}

function linuxClock(): Clock {
  const clockGettime = nativeFunction<(clock: number, time: bigint) => number>(
    'int clock_gettime(int clock, uintptr_t time)',
  )
  // Reused by every call, so that reading the clock allocates nothing.
  const region = mapPrivate(16)
  const { pointer } = region
  // struct timespec: two 64-bit integers. Seconds of CLOCK_MONOTONIC (uptime) fit into 32 bits for 136 years.
  const words = new Uint32Array(region.bytes.buffer, 0, 4)
  const last = new Float64Array(1)
  function readMonotonicMs(into: Float64Array): void {
    clockGettime(CLOCK_MONOTONIC, pointer)
    into[0] = (words[0] as number) * 1000 + (words[2] as number) / 1e6
  }
  return {
    readMonotonicMs,
    monotonicMs() {
      readMonotonicMs(last)
      return last[0] as number
    },
    wallMs: Date.now,
  }
}
