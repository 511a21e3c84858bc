import type { Fd, Outcome } from '../kernel/calls.js'
import * as c from '../kernel/constants.js'
import { type EpollLayout, epollLayout } from '../kernel/epoll-layout.js'
import { EINTR, ENOSYS, errorText } from '../kernel/errno.js'
import { nativeFunction } from '../kernel/ffi.js'
import { mapPrivate } from '../kernel/memory.js'
import { lastErrno } from '../kernel/native-errno.js'
import {
  ENDED,
  type Poller,
  READABLE,
  type ReadyList,
  type Token,
  URGENT,
  type WatchMode,
  WRITABLE,
} from './poller.js'
import { Timespec, wholeMs } from './wait-time.js'

const EPOLLET = 0x8000_0000 | 0
const EPOLLEXCLUSIVE = 1 << 28

/** Not urgent data: the kernel names it with every segment that comes, and wakes who waits for it each time. */
const HUSHED = ENDED | EPOLLET

const EVENTS: Readonly<Record<WatchMode, number>> = {
  stream: HUSHED | URGENT | READABLE | WRITABLE,
  level: READABLE,
  shared: READABLE | EPOLLEXCLUSIVE,
}

/** More events than this in one wait are told by the next one. */
const EVENTS_MAX = 512

/** The number of epoll_pwait2(2), the same on all architectures; older C libraries have no function for it. */
const SYS_EPOLL_PWAIT2 = 441

/**
 * epoll(7), edge-triggered for streams: one EPOLL_CTL_ADD in a socket's life and no modification, so `again`
 * has nothing to do; except for one that was hushed.
 */
export function openEpoll(layout: EpollLayout = epollLayout(process.arch)): Poller {
  const create = nativeFunction<(flags: number) => number>('int epoll_create1(int flags)')
  const control = nativeFunction<(fd: number, operation: number, target: number, event: bigint) => number>(
    'int epoll_ctl(int fd, int operation, int target, uintptr_t event)',
  )
  const waitFor = nativeFunction<(fd: number, events: bigint, max: number, timeoutMs: number) => number>(
    'int epoll_wait(int fd, uintptr_t events, int max, int timeout)',
  )
  const close = nativeFunction<(fd: number) => number>('int close(int fd)')
  const errno = lastErrno()
  const epollFd = create(c.EPOLL_CLOEXEC)
  if (epollFd < 0) throw new Error(`cannot open epoll: ${errorText(errno[0] as number)}`)

  const region = mapPrivate(layout.eventBytes * EVENTS_MAX)
  const { pointer } = region
  const waitBriefly = briefWait(epollFd, pointer)
  const words = new Int32Array(region.bytes.buffer, 0, region.byteLength / 4)
  const stride = layout.eventBytes / 4
  const tokenAt = layout.dataOffset / 4
  /** 1 by descriptor: it was hushed. One that was closed meanwhile is forgotten when its number is used again. */
  let hushed = new Uint8Array(1024)

  function tell(operation: number, fd: Fd, token: Token, events: number): Outcome {
    words[0] = events
    words[tokenAt] = token
    words[tokenAt + 1] = 0
    return control(epollFd, operation, fd, pointer) < 0 ? -(errno[0] as number) : 0
  }

  function fill(ready: ReadyList, count: number): Outcome {
    // Linux before 5.11 cannot wait briefly (ENOSYS).
    if (count < 0) return errno[0] === EINTR || errno[0] === ENOSYS ? 0 : -(errno[0] as number)
    for (let i = 0, at = 0; i < count; i++, at += stride) {
      ready.readiness[i] = words[at] as number
      ready.tokens[i] = words[at + tokenAt] as number
    }
    return count
  }

  return {
    name: 'epoll',
    add(fd, token, mode) {
      hushed[fd] = 0
      return tell(c.EPOLL_CTL_ADD, fd, token, EVENTS[mode])
    },
    again(fd, token) {
      // The kernel looks anew at what it is told to watch for: nothing that came meanwhile is missed.
      if (hushed[fd] !== 1) return
      hushed[fd] = 0
      tell(c.EPOLL_CTL_MOD, fd, token, EVENTS.stream)
    },
    hush(fd, token) {
      if (hushed[fd] === 1) return
      if (fd >= hushed.length) hushed = widened(hushed, fd)
      hushed[fd] = 1
      tell(c.EPOLL_CTL_MOD, fd, token, HUSHED)
    },
    remove: (fd, token) => tell(c.EPOLL_CTL_DEL, fd, token, 0),
    forget() {},
    wait(ready: ReadyList, timeoutMs: number) {
      const timeout = timeoutMs === Number.POSITIVE_INFINITY ? -1 : wholeMs(timeoutMs)
      const max = Math.min(EVENTS_MAX, ready.capacity)
      return fill(ready, waitFor(epollFd, pointer, max, timeout))
    },
    waitBriefly(ready: ReadyList) {
      return fill(ready, waitBriefly(Math.min(EVENTS_MAX, ready.capacity)))
    },
    close: () => void close(epollFd),
  }
}

/** epoll_pwait2(2) with that short a time, leaving the signals as they are: answers what the call does. */
function briefWait(epollFd: Fd, events: bigint): (max: number) => number {
  const call = nativeFunction<
    (call: number, fd: number, events: bigint, max: number, time: bigint, mask: number) => number
  >('long syscall(long call, int fd, uintptr_t events, int max, uintptr_t time, uintptr_t mask)')
  const time = new Timespec()
  const { pointer } = time
  time.setBrief()
  return (max) => call(SYS_EPOLL_PWAIT2, epollFd, events, max, pointer, 0)
}

/** The same, with room for `index`. */
function widened(bytes: Uint8Array<ArrayBuffer>, index: number): Uint8Array<ArrayBuffer> {
  const wide = new Uint8Array(Math.max(index + 1, 2 * bytes.length))
  wide.set(bytes)
  return wide
}
