import type { Fd } from '../kernel/calls.js'
import { errorText } from '../kernel/errno.js'
import type { System } from '../kernel/system.js'
import { add, COUNT } from '../observe/counters.js'
import { WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import { type Loop, NO_TOKEN, type Watcher } from '../reactor/loop.js'
import { Timer, type TimerOwner } from '../reactor/timers.js'
import type { Closing, LimitedListener, Overload } from './connection-limit.js'

/** Taken in one turn at most, so that a crowd at the door does not starve the sessions. */
const TAKEN_PER_TURN = 64

/** After the system refused (descriptors, memory), before it is asked again. */
const SHORTAGE_PAUSE_MS = 250

/** What the sockets of all listeners of one reactor share. */
export interface ListeningContext {
  readonly system: System
  readonly loop: Loop
  /** Is there room for one more client and its remote? If not, `onFull` pauses all listeners. */
  hasRoom(): boolean
  onFull(): Overload
  readonly counters: Float64Array
  readonly log: Say
  /** The queue is shared with other processes: do they get the next client rather than this one? */
  readonly isSiblingNext: (() => boolean) | undefined
}

/**
 * A socket that clients come to, level-triggered: an edge that is lost while descriptors are short would never return.
 * It takes one client a turn, and twice as many in each of several turns in a row, so that it seldom asks in vain.
 */
export abstract class ListeningSocket implements LimitedListener, Watcher, TimerOwner {
  token = NO_TOKEN
  readonly slot: number
  readonly name: string
  protected readonly fd: Fd
  readonly #context: ListeningContext
  readonly #timer = new Timer(this)
  #burst = 1
  /** The loop's turn in which clients were taken last. */
  #lastTurn = 0
  #isShort = false

  constructor(context: ListeningContext, slot: number, name: string, fd: Fd) {
    this.#context = context
    this.slot = slot
    this.name = name
    this.fd = fd
  }

  get isAccepting(): boolean {
    return this.token !== NO_TOKEN
  }

  /** Starts or goes on accepting. */
  resume(): void {
    const { loop } = this.#context
    loop.timers.unset(this.#timer)
    if (this.isAccepting) return
    const outcome = loop.watch(this.fd, this, this.#context.isSiblingNext ? 'shared' : 'level')
    if (outcome < 0) loop.timers.set(this.#timer, loop.nowMs + SHORTAGE_PAUSE_MS)
  }

  /** Lets clients wait in the kernel's queue. */
  pause(): void {
    this.#context.loop.timers.unset(this.#timer)
    if (this.isAccepting) this.#context.loop.unwatch(this.fd, this)
  }

  /**
   * Begins to wait anew: hears at once if somebody waits, and from then on comes last of those whom the kernel would
   * wake for a client of a shared queue (EPOLLEXCLUSIVE).
   */
  rearm(): void {
    this.pause()
    this.resume()
  }

  /** While there is no room: the length of the kernel's queue for that time. */
  abstract shrinkQueue(): void

  abstract restoreQueue(): void

  /** Stops without closing; the descriptor, with the clients in its queue, is the caller's. */
  detach(): Fd {
    this.restoreQueue()
    this.pause()
    return this.fd
  }

  /** Stops for good. What still waits in the queue afterwards is lost. */
  close(closing: Closing): void {
    if (closing === 'after-queue') this.takeQueue()
    this.pause()
    this.#context.system.calls.close(this.fd)
  }

  onReady(): void {
    const { loop } = this.#context
    let taken = 0
    while (taken < this.#burst && this.isAccepting) {
      const overload = this.#context.hasRoom() ? undefined : this.#context.onFull()
      if (overload === 'queue') return
      if (!this.takeOne(overload)) break
      taken++
    }
    const isCrowd = taken === this.#burst && loop.turns === this.#lastTurn + 1
    this.#burst = isCrowd ? Math.min(this.#burst * 2, TAKEN_PER_TURN) : 1
    this.#lastTurn = loop.turns
    if (taken > 0 && this.isAccepting && this.#context.isSiblingNext?.()) this.rearm()
  }

  onTimer(): void {
    this.resume()
  }

  /** Takes what waits, as far as there is room. */
  protected abstract takeQueue(): void

  /** False when nobody waits, or nobody can be taken now. */
  protected abstract takeOne(overload?: 'close' | 'reset'): boolean

  /** The system has what it takes again. */
  protected endShortage(): void {
    this.#isShort = false
  }

  /** Pauses, and says so once until accepting works again. */
  protected beginShortage(errno: number): void {
    const { counters, log, loop } = this.#context
    this.pause()
    loop.timers.set(this.#timer, loop.nowMs + SHORTAGE_PAUSE_MS)
    add(counters, COUNT.acceptPauses, 1)
    if (this.#isShort) return
    this.#isShort = true
    log(WARNING, `${this.name}: cannot accept: ${errorText(errno)}; new connections wait`)
  }
}
