/** The contract of the pollers, which epoll.ts, poll.ts and select-poller.ts implement; test/contract/ checks all three. */
import type { Fd, Outcome } from '../kernel/calls.js'

/**
 * Readiness bits of a descriptor, with the values of poll(2) and epoll(7) on Linux, so that no poller translates
 * them. A hint, never a promise: a read may still return EAGAIN.
 */
export const READABLE = 0x1
export const URGENT = 0x2
export const WRITABLE = 0x4
export const FAILED = 0x8
export const HUNG_UP = 0x10
/** The peer has shut down its sending side (EPOLLRDHUP). */
export const PEER_ENDED = 0x2000

/** The events that an owner asks for: `READABLE`, `WRITABLE`, or both. */
export type Interest = number

/** Identifies a watch: its slot, and a generation that distinguishes it from earlier watches of the slot. */
export type WatchToken = number

/** How events of a descriptor are reported. */
export type WatchMode =
  /**
   * A stream: edge-triggered. Each event is reported once; after a read or write that returned EAGAIN or came up
   * short, the owner re-arms it with `again`. End, errors and urgent data need no arming and are reported at least
   * once.
   */
  | 'stream'
  /** A listener or an eventfd: level-triggered, reported while it is readable. */
  | 'level'
  /**
   * A listener that other processes watch too: level-triggered, and each client wakes one of the waiting processes
   * (EPOLLEXCLUSIVE), or all of them where the poller has no such option.
   */
  | 'shared'

/** The events of one wait: filled by the poller, read by the loop. */
export class ReadyList {
  readonly tokens: Int32Array
  readonly readiness: Int32Array

  constructor(capacity: number) {
    this.tokens = new Int32Array(capacity)
    this.readiness = new Int32Array(capacity)
  }

  get capacity(): number {
    return this.tokens.length
  }
}

/** One way to wait for descriptors. The contract suite in test/contract/ is its definition. */
export interface Poller {
  readonly name: string
  add(fd: Fd, token: WatchToken, mode: WatchMode): Outcome
  /**
   * Re-arms a stream for `interest`, after EAGAIN or a read or write that came up short. A stream that still has
   * unread bytes may be reported again at once, repeatedly.
   */
  again(fd: Fd, token: WatchToken, interest: Interest): void
  /** Suppresses readability, writability and urgent data of a stream until `again`. End and errors are reported. */
  pauseReads(fd: Fd, token: WatchToken): void
  remove(fd: Fd, token: WatchToken): Outcome
  /** Like `remove`, for an `fd` that its owner closes at once: a no-op where the kernel drops closed descriptors. */
  forget(fd: Fd, token: WatchToken): void
  /**
   * Waits up to `timeoutMs` (rounded up to whole milliseconds; Infinity means no limit), fills `ready` and
   * returns the number of events. EINTR counts as no event.
   */
  wait(ready: ReadyList, timeoutMs: number): Outcome
  /** Like `wait`, but for at most 100 µs; returns at once on kernels without a wait that short. */
  waitBriefly(ready: ReadyList): Outcome
  close(): void
}
