import type { Fd } from '../../src/kernel/calls.js'
import { CLOCK_MONOTONIC } from '../../src/kernel/constants.js'
import { errorText } from '../../src/kernel/errno.js'
import { nativeFunction } from '../../src/kernel/ffi.js'
import { mapPrivate } from '../../src/kernel/memory.js'
import { lastErrno } from '../../src/kernel/native-errno.js'

/** sys/timerfd.h; the same on x86-64 and arm64. */
const TFD_CLOEXEC = 0o2000000
const TFD_NONBLOCK = 0o4000
const TFD_TIMER_ABSTIME = 1
/** struct itimerspec: interval, then first expiry, each in seconds and nanoseconds of 64 bits. */
const ITIMERSPEC_BYTES = 32
const EXPIRATIONS_BYTES = 8

/**
 * timerfd_create(2): readable at fixed intervals, exact to microseconds, while a wait in epoll counts whole
 * milliseconds.
 */
export class TimerFd {
  readonly fd: Fd
  readonly #read = nativeFunction<(fd: Fd, into: bigint, byteCount: number) => number>(
    'int64 read(int fd, uintptr_t into, size_t count)',
  )
  readonly #expirations = mapPrivate(EXPIRATIONS_BYTES)

  constructor() {
    const create = nativeFunction<(clock: number, flags: number) => number>(
      'int timerfd_create(int clock, int flags)',
    )
    const errno = lastErrno()
    this.fd = create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)
    if (this.fd < 0) throw new Error(`cannot make a timer: ${errorText(errno[0] as number)}`)
  }

  /** Expires at `startMs` of CLOCK_MONOTONIC, or at once if that is past, and every `intervalNs` from there on. */
  start(startMs: number, intervalNs: number): void {
    const settime = nativeFunction<(fd: Fd, flags: number, wanted: bigint, before: number) => number>(
      'int timerfd_settime(int fd, int flags, uintptr_t wanted, uintptr_t before)',
    )
    const region = mapPrivate(ITIMERSPEC_BYTES)
    const startNs = BigInt(Math.round(startMs * 1e6))
    const interval = BigInt(intervalNs)
    new BigInt64Array(region.bytes.buffer, 0, 4).set([
      interval / 1_000_000_000n,
      interval % 1_000_000_000n,
      startNs / 1_000_000_000n,
      startNs % 1_000_000_000n,
    ])
    const errno = lastErrno()
    if (settime(this.fd, TFD_TIMER_ABSTIME, region.pointer, 0) < 0) {
      throw new Error(`cannot set a timer: ${errorText(errno[0] as number)}`)
    }
  }

  /** Not readable until it expires again; the kernel re-arms it only when it is read. */
  clear(): void {
    this.#read(this.fd, this.#expirations.pointer, EXPIRATIONS_BYTES)
  }
}
