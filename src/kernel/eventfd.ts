/** A wakeup for a reactor that is blocked in its poller, from another thread. */
import { EFD_CLOEXEC, EFD_NONBLOCK } from './constants.js'
import { errorText } from './errno.js'
import { nativeFunction } from './ffi.js'
import { lastErrno } from './native-errno.js'

/** An eventfd(2), readable from `wake` until `clear`. */
export interface EventFd {
  readonly fd: number
  /** Adds one to the counter. Errors are ignored: with EAGAIN the counter is full, and readable. */
  wake(): void
  /** Resets the counter: consumes all wakes so far. */
  clear(): void
  /** Closes the descriptor, also one that was passed to `openEventFd`. */
  close(): void
}

/**
 * Opens a new eventfd, or wraps `fd`, which another thread of this process opened. Throws when no descriptor
 * is free.
 */
export function openEventFd(fd?: number): EventFd {
  const write = nativeFunction<(fd: number, value: number) => number>(
    'int eventfd_write(int fd, uint64_t value)',
  )
  const read = nativeFunction<(fd: number, value: Uint8Array) => number>(
    'int eventfd_read(int fd, void *value)',
  )
  const close = nativeFunction<(fd: number) => number>('int close(int fd)')
  const opened = fd ?? createEventFd()
  const value = new Uint8Array(8)
  return {
    fd: opened,
    wake: () => void write(opened, 1),
    clear: () => void read(opened, value),
    close: () => void close(opened),
  }
}

function createEventFd(): number {
  const eventfd = nativeFunction<(initial: number, flags: number) => number>(
    'int eventfd(uint32_t initial, int flags)',
  )
  const errno = lastErrno()
  const fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
  if (fd < 0) throw new Error(`cannot open an eventfd: ${errorText(errno[0] as number)}`)
  return fd
}
