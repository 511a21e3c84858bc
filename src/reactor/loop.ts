/**
 * The event loop of a reactor; start reading this folder here. A poller (poller.ts) waits for descriptors, timers.ts
 * keeps the timers, mailbox.ts receives commands from the control thread.
 */
import type { Fd, Outcome } from '../kernel/calls.js'
import { EMFILE, errorText } from '../kernel/errno.js'
import type { Clock } from '../kernel/system.js'
import { type Interest, type Poller, ReadyList, type WatchMode, type WatchToken } from './poller.js'
import { FOR_EVER_MS, Timers } from './timers.js'

/** Receives the events of one descriptor. */
export interface Watcher {
  /** Written by the loop only: set while the descriptor is watched, NO_TOKEN otherwise. */
  token: WatchToken
  onReady(readiness: number): void
}

/** Has more work than one turn allows. Queued at most once. */
export interface TurnTaker {
  /** Written by the loop only. */
  isQueued: boolean
  onTurn(): void
}

export const NO_TOKEN: WatchToken = -1

/** A token is generation × 2^20 + slot: a positive 31-bit number, which V8 stores unboxed. */
const SLOT_BITS = 20
const SLOT_MASK = (1 << SLOT_BITS) - 1
const GENERATION_MASK = (1 << (31 - SLOT_BITS)) - 1

/** As many as epoll.ts fetches per wait. Bounds the time between two runs of the timers. */
const EVENTS_PER_TURN = 512

/**
 * Waits for events, calls the watchers, gives queued turn takers one turn each, fires timers. Blocks its thread until
 * `stop`: nothing of Node's own event loop runs there meanwhile.
 */
export class Loop {
  readonly timers: Timers
  /**
   * CLOCK_MONOTONIC at the start of this turn: everything in a turn has the same time. Initialised with a number
   * because V8 boxes fractions in a field that was once undefined.
   */
  nowMs = 0
  /** Turns so far. */
  turns = 0
  /** Events of this turn: the number of watchers that a long `onReady` could delay. */
  eventCount = 0
  readonly #poller: Poller
  readonly #clock: Clock
  /** The last clock reading. V8 boxes a double that a function returns; an array element is not boxed. */
  readonly #clockMs = new Float64Array(1)
  readonly #ready = new ReadyList(EVENTS_PER_TURN)
  readonly #watchers: (Watcher | undefined)[] = []
  readonly #generations: number[] = []
  readonly #freeSlots: number[] = []
  #turnTakers: TurnTaker[] = []
  #nextTurnTakers: TurnTaker[] = []
  /**
   * Valid elements of `#nextTurnTakers`; those after them are stale, because truncating an array costs more than a
   * turn.
   */
  #nextCount = 0
  /** A queued turn taker has work to do now: do not wait. */
  #hasImmediateWork = false
  #isStopping = false

  constructor(poller: Poller, clock: Clock) {
    this.#poller = poller
    this.#clock = clock
    this.nowMs = clock.monotonicMs()
    this.timers = new Timers(this)
  }

  /** Number of watched descriptors. */
  get watchCount(): number {
    return this.#watchers.length - this.#freeSlots.length
  }

  /** Starts to report events of `fd` to `watcher`. A failure (a negated errno) changes nothing. */
  watch(fd: Fd, watcher: Watcher, mode: WatchMode): Outcome {
    const slot = this.#freeSlots.pop() ?? this.#watchers.length
    if (slot > SLOT_MASK) return -EMFILE
    const generation = ((this.#generations[slot] ?? 0) + 1) & GENERATION_MASK
    this.#generations[slot] = generation
    const token = generation * (SLOT_MASK + 1) + slot
    const outcome = this.#poller.add(fd, token, mode)
    this.#watchers[slot] = outcome < 0 ? undefined : watcher
    if (outcome < 0) this.#freeSlots.push(slot)
    else watcher.token = token
    return outcome
  }

  /** Removes `fd` from the poller: for a descriptor that remains open or is shared with another process. */
  unwatch(fd: Fd, watcher: Watcher): void {
    if (watcher.token === NO_TOKEN) return
    this.#poller.remove(fd, watcher.token)
    this.#freeSlot(watcher)
  }

  /** Forgets a watcher whose descriptor is closed at once, by its only owner. */
  forget(fd: Fd, watcher: Watcher): void {
    if (watcher.token === NO_TOKEN) return
    this.#poller.forget(fd, watcher.token)
    this.#freeSlot(watcher)
  }

  /** Two watchers get each other's descriptors, if they have any. To the poller nothing changes. */
  exchange(one: Watcher, other: Watcher): void {
    const { token } = one
    one.token = other.token
    other.token = token
    if (one.token !== NO_TOKEN) this.#watchers[one.token & SLOT_MASK] = one
    if (other.token !== NO_TOKEN) this.#watchers[other.token & SLOT_MASK] = other
  }

  #freeSlot(watcher: Watcher): void {
    const slot = watcher.token & SLOT_MASK
    watcher.token = NO_TOKEN
    this.#watchers[slot] = undefined
    this.#freeSlots.push(slot)
  }

  /** Re-arms `fd` for `interest`, after EAGAIN or a short read or write. */
  again(fd: Fd, watcher: Watcher, interest: Interest): void {
    this.#poller.again(fd, watcher.token, interest)
  }

  /** Suppresses events of `fd`, except its end and errors, until `again`. */
  pauseReads(fd: Fd, watcher: Watcher): void {
    this.#poller.pauseReads(fd, watcher.token)
  }

  /** Gives `taker` a turn after the next poll, which does not wait. */
  later(taker: TurnTaker): void {
    this.#hasImmediateWork = true
    this.#enqueue(taker)
  }

  /** Like `later`, but waits up to 100 µs or for any event first: for work that is expected and not ready. */
  soon(taker: TurnTaker): void {
    this.#enqueue(taker)
  }

  #enqueue(taker: TurnTaker): void {
    if (taker.isQueued) return
    taker.isQueued = true
    this.#nextTurnTakers[this.#nextCount++] = taker
  }

  run(): void {
    while (!this.#isStopping) this.turn(FOR_EVER_MS)
  }

  /** `run` returns after the current turn. */
  stop(): void {
    this.#isStopping = true
  }

  /** Waits once, at most `waitMaxMs`, and handles what is ready. Allocates nothing. */
  turn(waitMaxMs: number): void {
    const hasWork = this.#nextCount > 0
    const count = this.#wait(waitMaxMs)
    if (count < 0) throw new Error(`${this.#poller.name} failed: ${errorText(-count)}`)
    this.#clock.readMonotonicMs(this.#clockMs)
    this.nowMs = this.#clockMs[0] as number
    this.turns++
    this.eventCount = count
    this.#dispatch(count)
    if (hasWork) this.#giveTurns()
    this.timers.advance()
  }

  #wait(waitMaxMs: number): Outcome {
    if (this.#hasImmediateWork) return this.#poller.wait(this.#ready, 0)
    const waitMs = Math.min(waitMaxMs, this.timers.waitMs())
    return this.#nextCount > 0 && waitMs > 0
      ? this.#poller.waitBriefly(this.#ready)
      : this.#poller.wait(this.#ready, waitMs)
  }

  #dispatch(count: number): void {
    const { tokens, readiness } = this.#ready
    for (let i = 0; i < count; i++) {
      const token = tokens[i] as number
      const watcher = this.#watchers[token & SLOT_MASK]
      if (watcher === undefined || watcher.token !== token) continue // closed earlier in this batch
      watcher.onReady(readiness[i] as number)
    }
  }

  #giveTurns(): void {
    const takers = this.#nextTurnTakers
    const count = this.#nextCount
    // Two lists, used in turns: a taker that queues itself again is called in the next turn, not in this one.
    this.#nextTurnTakers = this.#turnTakers
    this.#turnTakers = takers
    this.#nextCount = 0
    this.#hasImmediateWork = false
    for (let i = 0; i < count; i++) {
      const taker = takers[i] as TurnTaker
      taker.isQueued = false
      taker.onTurn()
    }
  }
}
