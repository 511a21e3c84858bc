/** The limit of concurrent sessions (`overload`, `users max`), and what the listeners of a reactor do at it. */
import { NOTICE, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { Loop } from '../reactor/loop.js'
import { Timer, type TimerOwner } from '../reactor/timers.js'

/**
 * What happens to clients in the kernel's queue when a listener closes: they are accepted while there is room, or the
 * kernel resets them.
 */
export type Closing = 'after-queue' | 'now'

/** How often a child that yields its clients to siblings checks whether they still have room. */
const RECHECK_MS = 20

/**
 * Time below the limit before recovery is logged; the backlog refills freed places at once and the message would
 * flap.
 */
const RECOVERY_LOG_DELAY_MS = 1_000

/** What happens to new clients at the limit: they wait in the kernel's queue, or are accepted and closed or reset. */
export type Overload = 'queue' | 'close' | 'reset'

/** Hints in the log line about the limit; the words of the original. */
export const OVERLOAD_HINTS: Readonly<Record<Overload, string>> = {
  queue: 'queueing',
  close: 'immediately closing',
  reset: 'resetting',
}

/** Other children that accept from the same queues. */
export interface Siblings {
  haveRoom(): boolean
  /** Makes them check their queues for waiting clients. */
  wakeSiblings(): void
}

/** A listener as the limit controls it. */
export interface LimitedListener {
  readonly slot: number
  readonly isAccepting: boolean
  /** Its own limit (`max connections`) is not reached. */
  readonly hasPlace: boolean
  resume(): void
  /** Leaves clients in the kernel's queue. */
  pause(): void
  /** Registers anew with the poller, which then reports clients that wait already. */
  rearm(): void
  /** Sets the length of the kernel's queue to the one for the time at the limit. */
  shrinkQueue(): void
  restoreQueue(): void
  close(closing: Closing): void
}

const NO_SIBLINGS: Siblings = { haveRoom: () => false, wakeSiblings: () => {} }

/**
 * How many sessions one reactor may hold, and what happens to clients at that number: its listeners pause, or accept
 * and close at once. With a queue shared between children it yields clients to those that have room.
 */
export class ConnectionLimit implements TimerOwner {
  readonly #listeners: LimitedListener[] = []
  readonly #sessionsMax: () => number
  readonly #countSessions: () => number
  readonly #loop: Loop
  readonly #log: Say
  readonly #overload: Overload
  readonly #siblings: Siblings
  /** Runs while there is room and the limit is still logged as reached. */
  readonly #recoveryTimer = new Timer(this)
  readonly #recheckTimer = new Timer({ onTimer: () => this.#resume() })
  /** Paused because of their own limits. */
  readonly #full: LimitedListener[] = []
  /** Runs while there are any, and siblings that may free a place without waking this process. */
  readonly #placeTimer = new Timer({ onTimer: () => this.#resumeWithPlace() })
  /** No room here, but siblings have some: the listeners pause and leave the queue to them. */
  #yieldsToSiblings = false
  #isFull = false
  #isLimitLogged = false
  #isSuspended = false
  #isStopped = false

  constructor(
    sessionsMax: () => number,
    countSessions: () => number,
    loop: Loop,
    log: Say,
    overload: Overload = 'queue',
    siblings: Siblings = NO_SIBLINGS,
  ) {
    this.#sessionsMax = sessionsMax
    this.#countSessions = countSessions
    this.#loop = loop
    this.#log = log
    this.#overload = overload
    this.#siblings = siblings
  }

  /** Adds a listener; after `stop` it is closed instead, so that no client waits in its queue in vain. */
  add(listener: LimitedListener): void {
    if (this.#isStopped) {
      listener.close('now')
      return
    }
    this.#listeners.push(listener)
    if (!this.#isPausing) listener.resume()
  }

  /** Listeners are paused, and resumed together later. */
  get #isPausing(): boolean {
    return this.#isSuspended || this.#yieldsToSiblings || (this.#isFull && this.#overload === 'queue')
  }

  hasRoom(): boolean {
    return this.#countSessions() < this.#sessionsMax()
  }

  /** A listener found no room: pauses all of them until a session ends, or makes them close what they accept. */
  onFull(): Overload {
    if (this.#siblings.haveRoom()) return this.#yieldToSiblings()
    if (this.#isFull) return this.#overload
    this.#isFull = true
    this.#loop.timers.unset(this.#recoveryTimer)
    this.#logLimitReached()
    for (const listener of this.#listeners) {
      listener.shrinkQueue()
      if (this.#overload === 'queue') listener.pause()
    }
    return this.#overload
  }

  /** The limit of one listener is reached: its clients wait in the kernel's queue, whatever `overload` says. */
  onListenerFull(listener: LimitedListener): void {
    listener.pause()
    if (!this.#full.includes(listener)) this.#full.push(listener)
    this.#awaitPlace()
  }

  /** A session of a listener that was full has ended: its clients may wait in any process that accepts from it. */
  onListenerRoom(): void {
    if (this.#siblings === NO_SIBLINGS) this.#resumeWithPlace()
    else {
      this.onClientsLeft()
      this.#siblings.wakeSiblings()
    }
  }

  #awaitPlace(): void {
    const hasSiblings = this.#siblings !== NO_SIBLINGS
    if (hasSiblings && !this.#isStopped)
      this.#loop.timers.set(this.#placeTimer, this.#loop.nowMs + RECHECK_MS)
  }

  #resumeWithPlace(): void {
    if (this.#full.length === 0 || this.#isStopped) return
    let kept = 0
    for (let i = 0; i < this.#full.length; i++) {
      const listener = this.#full[i] as LimitedListener
      if (!listener.hasPlace) this.#full[kept++] = listener
      else if (!this.#isPausing) listener.resume()
    }
    this.#full.length = kept
    if (kept > 0) this.#awaitPlace()
  }

  /** A sibling yielded clients that the kernel has not reported to this process. */
  onClientsLeft(): void {
    if (!this.hasRoom()) return
    for (const listener of this.#listeners) if (listener.isAccepting) listener.rearm()
    this.#resumeWithPlace()
  }

  /** A session has ended. */
  onRoom(): void {
    if (this.#isStopped || this.#isSuspended) return
    if (this.#yieldsToSiblings) this.#resume()
    if (!this.#isFull) {
      this.#checkForMissedClients()
      return
    }
    this.#isFull = false
    this.#loop.timers.set(this.#recoveryTimer, this.#loop.nowMs + RECOVERY_LOG_DELAY_MS)
    for (const listener of this.#listeners) {
      listener.restoreQueue()
      listener.resume()
    }
  }

  /**
   * The kernel wakes one child per client (EPOLLEXCLUSIVE). If it woke this one, or a sibling that was full too, the
   * client still waits and is not reported again: re-arm when the first place is free.
   */
  #checkForMissedClients(): void {
    if (this.#siblings === NO_SIBLINGS || this.#countSessions() !== this.#sessionsMax() - 1) return
    for (const listener of this.#listeners) if (listener.isAccepting) listener.rearm()
  }

  #yieldToSiblings(): Overload {
    this.#yieldsToSiblings = true
    for (const listener of this.#listeners) listener.pause()
    this.#siblings.wakeSiblings()
    this.#loop.timers.set(this.#recheckTimer, this.#loop.nowMs + RECHECK_MS)
    return 'queue'
  }

  /** If there still is no room, the first client leads back to `onFull`. */
  #resume(): void {
    this.#yieldsToSiblings = false
    this.#loop.timers.unset(this.#recheckTimer)
    for (const listener of this.#listeners) listener.resume()
  }

  onTimer(): void {
    this.#logRecovery()
  }

  /**
   * Replaces the limit of an older configuration; its listeners follow by `add`. If it logged that the limit was
   * reached, this one logs the recovery.
   */
  takeOver(old: ConnectionLimit): void {
    this.#isLimitLogged = old.#isLimitLogged
    old.#isLimitLogged = false
    old.#release()
    if (this.#isLimitLogged)
      this.#loop.timers.set(this.#recoveryTimer, this.#loop.nowMs + RECOVERY_LOG_DELAY_MS)
  }

  /** Takes no more clients, but leaves all listeners open until `stop`. */
  suspend(): void {
    this.#isSuspended = true
    this.#unsetTimers()
    for (const listener of this.#listeners) listener.pause()
  }

  /**
   * Closes all listeners for good, each in the way that `closingOf` says for its slot. Clients accepted from the queues
   * may end at once, or be the last ones before a child retires, which leads back here.
   */
  stop(closingOf: (slot: number) => Closing): void {
    const listeners = [...this.#listeners]
    const closings = listeners.map((listener) => closingOf(listener.slot))
    // Siblings serve the clients of a listener that closes `now`, and log a limit of their own.
    if (this.#isLimitLogged && closings.includes('now')) this.#logRecovery()
    this.#release()
    for (const [i, listener] of listeners.entries()) listener.close(closings[i] as Closing)
  }

  #release(): void {
    this.#isStopped = true
    this.#unsetTimers()
    this.#listeners.length = 0
    this.#full.length = 0
  }

  #unsetTimers(): void {
    this.#loop.timers.unset(this.#recoveryTimer)
    this.#loop.timers.unset(this.#recheckTimer)
    this.#loop.timers.unset(this.#placeTimer)
  }

  #logRecovery(): void {
    this.#isLimitLogged = false
    this.#log(NOTICE, 'resuming normal operation')
  }

  #logLimitReached(): void {
    if (this.#isLimitLogged) return
    this.#isLimitLogged = true
    const hint = OVERLOAD_HINTS[this.#overload]
    this.#log(WARNING, `limit of ${this.#sessionsMax()} concurrent users reached, ${hint} new connections`)
  }
}
