/** Interrupts system calls by signals, for tests of EINTR. */
import { nativeFunction } from '../../src/kernel/ffi.js'
import { mapPrivate } from '../../src/kernel/memory.js'

const ITIMER_REAL = 0

/** struct itimerval: interval and first value, each as seconds and microseconds. */
const ITIMERVAL_BYTES = 32

/**
 * Sends SIGALRM to this process every few milliseconds while `act` runs, so that every blocking call is interrupted
 * without exact timing.
 */
export function interrupted<T>(act: () => T): T {
  const setitimer = nativeFunction<(which: number, value: bigint, old: number) => number>(
    'int setitimer(int which, uintptr_t value, uintptr_t old)',
  )
  const region = mapPrivate(ITIMERVAL_BYTES)
  const times = new BigInt64Array(region.bytes.buffer, 0, 4)
  const ignore = () => {}
  process.on('SIGALRM', ignore)
  times.set([0n, 5_000n, 0n, 5_000n])
  setitimer(ITIMER_REAL, region.pointer, 0)
  try {
    return act()
  } finally {
    times.fill(0n)
    setitimer(ITIMER_REAL, region.pointer, 0)
    process.off('SIGALRM', ignore)
  }
}
