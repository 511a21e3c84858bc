/** What all listeners have in common: watching, bursts, pauses at a shortage of descriptors. */
import type { Fd } from '../kernel/calls.js'
import { errorText } from '../kernel/errno.js'
import type { System } from '../kernel/system.js'
import { add, COUNT, type CounterTable } from '../observe/counters.js'
import { WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import { type Loop, NO_TOKEN, type Watcher } from '../reactor/loop.js'
import { Timer, type TimerOwner } from '../reactor/timers.js'
import type { Closing, LimitedListener, Overload } from './connection-limit.js'

/** Clients accepted per turn at most, so that a burst does not starve the sessions. */
const TAKEN_PER_TURN = 64

/** Back-off after accept(2) failed for lack of descriptors or memory. */
const SHORTAGE_PAUSE_MS = 250

/** What the sockets of all listeners of one reactor share. */
export interface ListeningContext {
  readonly system: System
  readonly loop: Loop
  /** Whether one more session fits. If not, `onFull` decides what happens to the client. */
  hasRoom(): boolean
  onFull(): Overload
  readonly counters: Float64Array
  /** Rows of LISTENER_COUNTERS, by the slots of the listeners. */
  readonly listenerCounters: CounterTable
  readonly log: Say
  /** Set where children share the queue: whether a sibling should get the next client. */
  readonly isSiblingNext: (() => boolean) | undefined
}

/**
 * A socket that clients connect or send to. It is level-triggered: an edge that comes during a shortage of
 * descriptors would be lost. It takes one client per turn and doubles that in each consecutive turn with clients, so
 * that few calls to accept(2) end in EAGAIN.
 */
export abstract class ListeningSocket implements LimitedListener, Watcher, TimerOwner {
  token = NO_TOKEN
  readonly slot: number
  readonly name: string
  protected readonly fd: Fd
  readonly #context: ListeningContext
  /** Resumes accepting after SHORTAGE_PAUSE_MS. */
  readonly #timer = new Timer(this)
  /** Clients that the next turn accepts at most, from 1 to TAKEN_PER_TURN. */
  #burst = 1
  /** The turn of the loop in which clients were last accepted. */
  #lastTurn = 0
  /** A shortage has begun and was logged. */
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

  abstract readonly hasPlace: boolean

  /** Starts or resumes accepting. */
  resume(): void {
    const { loop } = this.#context
    loop.timers.unset(this.#timer)
    if (this.isAccepting) return
    const outcome = loop.watch(this.fd, this, this.#context.isSiblingNext ? 'shared' : 'level')
    if (outcome < 0) loop.timers.set(this.#timer, loop.nowMs + SHORTAGE_PAUSE_MS)
  }

  /** Stops accepting; clients wait in the kernel's queue. */
  pause(): void {
    this.#context.loop.timers.unset(this.#timer)
    if (this.isAccepting) this.#context.loop.unwatch(this.fd, this)
  }

  /**
   * Registers anew with the poller: clients that wait already are reported, and of the children that share the queue
   * the kernel wakes this one last (EPOLLEXCLUSIVE).
   */
  rearm(): void {
    this.pause()
    this.resume()
  }

  /** Sets the length of the kernel's queue to the one for the time at the connection limit. */
  abstract shrinkQueue(): void

  abstract restoreQueue(): void

  /** Stops accepting and returns the open descriptor, with the clients in its queue, to the caller. */
  detach(): Fd {
    this.restoreQueue()
    this.pause()
    return this.fd
  }

  /** Stops for good. The kernel resets clients that are still in the queue. */
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
      // `onFull` has paused the listeners, or siblings take the clients: they remain in the kernel's queue.
      if (overload === 'queue') return
      if (!this.takeOne(overload)) break
      taken++
    }
    const isBurst = taken === this.#burst && loop.turns === this.#lastTurn + 1
    this.#burst = isBurst ? Math.min(this.#burst * 2, TAKEN_PER_TURN) : 1
    this.#lastTurn = loop.turns
    if (taken > 0 && this.isAccepting && this.#context.isSiblingNext?.()) this.rearm()
  }

  onTimer(): void {
    this.resume()
  }

  /** Accepts the clients in the queue while there is room. */
  protected abstract takeQueue(): void

  /** Accepts one client, or closes it with `overload`. False when the queue is empty or accepting failed. */
  protected abstract takeOne(overload?: 'close' | 'reset'): boolean

  /** Accepting works again. */
  protected endShortage(): void {
    this.#isShort = false
  }

  /** Pauses for SHORTAGE_PAUSE_MS; logged once until accepting works again. */
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
