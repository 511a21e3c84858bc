/** The default poller, on epoll(7). */
import type { Fd, Outcome } from '../kernel/calls.js'
import * as c from '../kernel/constants.js'
import { type EpollLayout, epollLayout } from '../kernel/epoll-layout.js'
import { EINTR, ENOSYS, errorText } from '../kernel/errno.js'
import { nativeFunction } from '../kernel/ffi.js'
import { mapPrivate } from '../kernel/memory.js'
import { lastErrno } from '../kernel/native-errno.js'
import {
  PEER_ENDED,
  type Poller,
  READABLE,
  type ReadyList,
  URGENT,
  type WatchMode,
  type WatchToken,
  WRITABLE,
} from './poller.js'
import { Timespec, wholeMs } from './wait-time.js'

/** Edge-triggered: an event is reported once, when it occurs. */
const EPOLLET = 0x8000_0000 | 0
/** An event wakes one or more of the pollers that watch the descriptor, not all of them (epoll_ctl(2)). */
const EPOLLEXCLUSIVE = 1 << 28

/**
 * Events of a stream with paused reads. Without EPOLLPRI: while urgent data is pending, every segment that arrives
 * would wake the poller.
 */
const PAUSED = PEER_ENDED | EPOLLET

const EVENTS: Readonly<Record<WatchMode, number>> = {
  stream: PAUSED | URGENT | READABLE | WRITABLE,
  level: READABLE,
  shared: READABLE | EPOLLEXCLUSIVE,
}

/** Events per wait, as many as the loop handles per turn; the next wait reports the rest. */
const EVENTS_MAX = 512

/** System call number of epoll_pwait2(2), the same on all architectures; glibc has a wrapper only since 2.35. */
const SYS_EPOLL_PWAIT2 = 441

/**
 * epoll(7), edge-triggered for streams: one EPOLL_CTL_ADD per socket and no EPOLL_CTL_MOD, so `again` is a
 * no-op, except for a stream whose reads were paused. `forget` is one too, because the kernel drops a closed
 * descriptor. `modify` passes its argument in the memory of the first event, which is free: `fill` copies all
 * events before a watcher is called.
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
  /** 1 by descriptor while its reads are paused. `add` clears it: a closed descriptor leaves a stale entry behind. */
  let paused = new Uint8Array(1024)

  function modify(operation: number, fd: Fd, token: WatchToken, events: number): Outcome {
    words[0] = events
    words[tokenAt] = token
    words[tokenAt + 1] = 0
    return control(epollFd, operation, fd, pointer) < 0 ? -(errno[0] as number) : 0
  }

  function fill(ready: ReadyList, count: number): Outcome {
    // Linux before 5.11 has no epoll_pwait2 (ENOSYS).
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
      paused[fd] = 0
      return modify(c.EPOLL_CTL_ADD, fd, token, EVENTS[mode])
    },
    again(fd, token) {
      // EPOLL_CTL_MOD checks readiness anew, so events that occurred during the pause are reported.
      if (paused[fd] !== 1) return
      paused[fd] = 0
      modify(c.EPOLL_CTL_MOD, fd, token, EVENTS.stream)
    },
    pauseReads(fd, token) {
      if (paused[fd] === 1) return
      if (fd >= paused.length) paused = widened(paused, fd)
      paused[fd] = 1
      modify(c.EPOLL_CTL_MOD, fd, token, PAUSED)
    },
    remove: (fd, token) => modify(c.EPOLL_CTL_DEL, fd, token, 0),
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

/**
 * epoll_pwait2(2) with the brief timeout and an unchanged signal mask. Returns the number of events, or -1 with
 * errno.
 */
function briefWait(epollFd: Fd, events: bigint): (max: number) => number {
  const call = nativeFunction<
    (call: number, fd: number, events: bigint, max: number, time: bigint, mask: number) => number
  >('long syscall(long call, int fd, uintptr_t events, int max, uintptr_t time, uintptr_t mask)')
  const time = new Timespec()
  const { pointer } = time
  time.setBrief()
  return (max) => call(SYS_EPOLL_PWAIT2, epollFd, events, max, pointer, 0)
}

/** A copy with room for `index`. */
function widened(bytes: Uint8Array<ArrayBuffer>, index: number): Uint8Array<ArrayBuffer> {
  const wide = new Uint8Array(Math.max(index + 1, 2 * bytes.length))
  wide.set(bytes)
  return wide
}
