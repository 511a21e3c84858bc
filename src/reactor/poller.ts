import type { Fd, Outcome } from '../kernel/calls.js'

/**
 * What a descriptor has to say. The values are those of poll(2) and epoll(7) on Linux, so that no back end
 * translates. A hint, never a promise: a read may still find nothing.
 */
export const READABLE = 0x1
export const URGENT = 0x2
export const WRITABLE = 0x4
export const FAILED = 0x8
export const HUNG_UP = 0x10
/** The peer will send no more (EPOLLRDHUP). */
export const ENDED = 0x2000

/** What an owner waits for: `READABLE` and `WRITABLE`, or both. */
export type Interest = number

/** Names a watch: its slot, and a generation that tells a closed watch from its successor in the slot. */
export type Token = number

/** How a descriptor is told of. */
export type WatchMode =
  /**
   * A stream: everything, once; who drained or filled it says `again`. Its end, its errors and urgent data are told
   * without being asked for, once in its life at least.
   */
  | 'stream'
  /** A listener or an eventfd: readable, for as long as it is. */
  | 'level'
  /**
   * A listener that other processes watch too: the same, and one of those that wait hears of a client; all of them
   * where the kernel cannot choose.
   */
  | 'shared'

/** The events of one wait; filled by the poller, read by the loop. */
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
  add(fd: Fd, token: Token, mode: WatchMode): Outcome
  /**
   * The owner saw EAGAIN, or a read or write that came up short, and wants to hear of `interest` again. Who says so with
   * bytes unread may be told of them at once, again and again.
   */
  again(fd: Fd, token: Token, interest: Interest): void
  /** The owner of a stream can do nothing with bytes or room now: only its end and errors, until `again`. */
  hush(fd: Fd, token: Token): void
  remove(fd: Fd, token: Token): Outcome
  /** The owner closes `fd` at once. Costs nothing where the kernel drops a closed descriptor by itself. */
  forget(fd: Fd, token: Token): void
  /**
   * Waits up to `timeoutMs` (rounded up to whole milliseconds; Infinity waits for ever), fills `ready` and
   * answers how many. A signal counts as no event.
   */
  wait(ready: ReadyList, timeoutMs: number): Outcome
  /** The same for a tenth of a millisecond at most; not at all where the kernel has no such short wait. */
  waitBriefly(ready: ReadyList): Outcome
  close(): void
}
