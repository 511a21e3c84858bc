/**
 * A descriptor that many processes share to wake each other: a timerfd that `wake` arms to expire at once. Every
 * process that polls it for edges is woken by every wake-up, and nothing is read. Unlike a write to an eventfd, arming
 * a timer cannot block, whatever a process that shares the descriptor did to its flags or its value.
 */
import { CLOCK_MONOTONIC, TFD_CLOEXEC, TFD_NONBLOCK } from './constants.js'
import { errorText } from './errno.js'
import { nativeFunction, type Pointer } from './ffi.js'
import { mapPrivate } from './memory.js'
import { lastErrno } from './native-errno.js'

export interface WakeupFd {
  readonly fd: number
  /** timerfd_settime(2). Errors are ignored: with a valid descriptor and time it cannot fail. */
  wake(): void
  close(): void
}

/** struct itimerspec: the interval, then the time to expiry, each in seconds and nanoseconds of 64 bits. */
const ITIMERSPEC_BYTES = 32
const EXPIRY_NANOSECONDS_AT = 3

/** Opens a wake-up descriptor, or takes `fd`, which another process opened. Throws without a free descriptor. */
export function openWakeupFd(fd?: number): WakeupFd {
  const setTime = nativeFunction<(fd: number, flags: number, value: Pointer, old: Pointer) => number>(
    'int timerfd_settime(int fd, int flags, uintptr_t value, uintptr_t old)',
  )
  const close = nativeFunction<(fd: number) => number>('int close(int fd)')
  const opened = fd ?? createTimerFd()
  const atOnce = expiringAtOnce()
  return {
    fd: opened,
    wake: () => void setTime(opened, 0, atOnce, 0),
    close: () => void close(opened),
  }
}

/** Mapped once per thread and never freed; nobody changes it. */
let spec: bigint | undefined

/** One nanosecond from now: zero would disarm the timer. */
function expiringAtOnce(): bigint {
  if (spec !== undefined) return spec
  const region = mapPrivate(ITIMERSPEC_BYTES)
  const { buffer, byteOffset } = region.bytes
  new BigInt64Array(buffer, byteOffset, ITIMERSPEC_BYTES / 8)[EXPIRY_NANOSECONDS_AT] = 1n
  spec = region.pointer
  return spec
}

function createTimerFd(): number {
  const create = nativeFunction<(clock: number, flags: number) => number>(
    'int timerfd_create(int clock, int flags)',
  )
  const errno = lastErrno()
  const fd = create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)
  if (fd < 0) throw new Error(`cannot open a timerfd: ${errorText(errno[0] as number)}`)
  return fd
}
