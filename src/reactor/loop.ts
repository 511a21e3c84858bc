import type { Fd, Outcome } from '../kernel/calls.js'
import { EMFILE, errorText } from '../kernel/errno.js'
import type { Clock } from '../kernel/system.js'
import { type Interest, type Poller, ReadyList, type Token, type WatchMode } from './poller.js'
import { FOR_EVER_MS, Timers } from './timers.js'

/** Who hears of a descriptor. */
export interface Watcher {
  /** Set by the loop while the descriptor is watched, NO_TOKEN otherwise; nobody else writes it. */
  token: Token
  onReady(readiness: number): void
}

/** Who has more to do than one turn allows. Queued at most once; `isQueued` belongs to the loop. */
export interface TurnTaker {
  isQueued: boolean
  onTurn(): void
}

export const NO_TOKEN: Token = -1

/** A token is generation × 2^20 + slot: a positive 31-bit number, which V8 keeps unboxed. */
const SLOT_BITS = 20
const SLOT_MASK = (1 << SLOT_BITS) - 1
const GENERATION_MASK = (1 << (31 - SLOT_BITS)) - 1

const EVENTS_PER_TURN = 512

/**
 * The reactor: waits, tells watchers, gives a turn to those that had more to do, rings timers. Runs on one
 * thread until `stop`; nothing of Node's own loop runs on that thread meanwhile.
 */
export class Loop {
  readonly timers: Timers
  /**
   * CLOCK_MONOTONIC of this turn; what happens in one turn happens at one moment. Begins as a number: a field that was
   * undefined once takes a heap object for each fraction that is put into it.
   */
  nowMs = 0
  /** Turns so far. */
  turns = 0
  /** Events of this turn: how many others may wait for whoever has it. */
  eventCount = 0
  readonly #poller: Poller
  readonly #clock: Clock
  /** The clock as it was read last: a number that crosses functions is a heap object, one in here is none. */
  readonly #clockMs = new Float64Array(1)
  readonly #ready = new ReadyList(EVENTS_PER_TURN)
  readonly #watchers: (Watcher | undefined)[] = []
  readonly #generations: number[] = []
  readonly #freeSlots: number[] = []
  #turnTakers: TurnTaker[] = []
  #nextTurnTakers: TurnTaker[] = []
  /** How many of the next ones count; behind them are old ones. Cutting an array costs more than a turn. */
  #nextCount = 0
  /** One of the next ones has something to do now. */
  #isInHaste = false
  #isStopping = false

  constructor(poller: Poller, clock: Clock) {
    this.#poller = poller
    this.#clock = clock
    this.nowMs = clock.monotonicMs()
    this.timers = new Timers(this)
  }

  /** Descriptors watched now. */
  get watchCount(): number {
    return this.#watchers.length - this.#freeSlots.length
  }

  /** Tells `watcher` of `fd` from now on; on failure (a negated errno) nothing has changed. */
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

  /** Takes `fd` out of the poller: for a descriptor that stays open or is shared with another process. */
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

  #freeSlot(watcher: Watcher): void {
    const slot = watcher.token & SLOT_MASK
    watcher.token = NO_TOKEN
    this.#watchers[slot] = undefined
    this.#freeSlots.push(slot)
  }

  /** The owner of `fd` saw EAGAIN or a transfer that came up short, and waits for `interest`. */
  again(fd: Fd, watcher: Watcher, interest: Interest): void {
    this.#poller.again(fd, watcher.token, interest)
  }

  /** The owner of `fd` has no use for bytes or room until it says `again`. */
  hush(fd: Fd, watcher: Watcher): void {
    this.#poller.hush(fd, watcher.token)
  }

  /** Gives `taker` another turn after everybody else had theirs. */
  later(taker: TurnTaker): void {
    this.#isInHaste = true
    this.#enqueue(taker)
  }

  /** The same a tenth of a millisecond later, or when anything else happens: it has nothing to do yet, but will have. */
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

  /** `run` returns after the present turn. */
  stop(): void {
    this.#isStopping = true
  }

  /** One round of waiting, at most `waitMaxMs`, and telling. Allocates nothing. */
  turn(waitMaxMs: number): void {
    const hasWork = this.#nextCount > 0
    const count = this.#wait(waitMaxMs)
    if (count < 0) throw new Error(`${this.#poller.name} failed: ${errorText(-count)}`)
    this.#clock.readMonotonicMs(this.#clockMs)
    this.nowMs = this.#clockMs[0] as number
    this.turns++
    this.eventCount = count
    this.#tell(count)
    if (hasWork) this.#giveTurns()
    this.timers.advance()
  }

  #wait(waitMaxMs: number): Outcome {
    if (this.#isInHaste) return this.#poller.wait(this.#ready, 0)
    const waitMs = Math.min(waitMaxMs, this.timers.waitMs())
    return this.#nextCount > 0 && waitMs > 0
      ? this.#poller.waitBriefly(this.#ready)
      : this.#poller.wait(this.#ready, waitMs)
  }

  #tell(count: number): void {
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
    this.#nextTurnTakers = this.#turnTakers
    this.#turnTakers = takers
    this.#nextCount = 0
    this.#isInHaste = false
    for (let i = 0; i < count; i++) {
      const taker = takers[i] as TurnTaker
      taker.isQueued = false
      taker.onTurn()
    }
  }
}
