import { NOTICE, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { Loop } from '../reactor/loop.js'
import { Timer, type TimerOwner } from '../reactor/timers.js'
import type { ListeningSocket } from './listening-socket.js'

/**
 * What becomes of clients whose connections the kernel has made already: they are taken while there is room, or
 * the kernel resets them.
 */
export type Closing = 'after-queue' | 'now'

/** A child without room looks at the others' at this rhythm, while it leaves clients to them. */
const RECHECK_MS = 20

/** With room for this long the crowd has gone: every place that is taken at once by who waits is no news. */
const RECOVERY_LOG_DELAY_MS = 1_000

/**
 * What happens to clients while there is no room: they wait in the kernel, or they are accepted and closed or reset
 * at once.
 */
export type Overload = 'queue' | 'close' | 'reset'

/** How the log says it; the words of the original. */
export const OVERLOAD_HINTS: Readonly<Record<Overload, string>> = {
  queue: 'queueing',
  close: 'immediately closing',
  reset: 'resetting',
}

/** Who else takes clients from the same queues. */
export interface Siblings {
  haveRoom(): boolean
  /** Tells them that somebody may wait. */
  wakeSiblings(): void
}

const NO_SIBLINGS: Siblings = { haveRoom: () => false, wakeSiblings: () => {} }

/** How many sessions one reactor may hold, and what happens at that number. */
export class ConnectionLimit implements TimerOwner {
  readonly #listeners: ListeningSocket[] = []
  readonly #sessionsMax: () => number
  readonly #countSessions: () => number
  readonly #loop: Loop
  readonly #log: Say
  readonly #overload: Overload
  readonly #siblings: Siblings
  /** Rings when there has been room for a while. */
  readonly #recoveryTimer = new Timer(this)
  readonly #recheckTimer = new Timer({ onTimer: () => this.#resume() })
  /** No room here, but others have it who take clients from the same queues: they are left to them. */
  #yieldsToSiblings = false
  #isFull = false
  #isLimitLogged = false
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

  /** Takes a listener; after `stop` it is closed, so that nobody waits in its queue in vain. */
  add(listener: ListeningSocket): void {
    if (this.#isStopped) {
      listener.close('now')
      return
    }
    this.#listeners.push(listener)
    const isPaused = this.#yieldsToSiblings || (this.#isFull && this.#overload === 'queue')
    if (!isPaused) listener.resume()
  }

  hasRoom(): boolean {
    return this.#countSessions() < this.#sessionsMax()
  }

  /** A listener found no room: all of them wait until a session ends, or turn clients away. */
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

  /** Siblings have left clients whom the kernel has not told us of. */
  onClientsLeft(): void {
    if (!this.hasRoom()) return
    for (const listener of this.#listeners) if (listener.isAccepting) listener.rearm()
  }

  /** A session has ended. */
  onRoom(): void {
    if (this.#isStopped) return
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
   * While there was no room here the kernel may have told another one of a client that still waits, because that one
   * had no room either: nobody will tell us.
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

  /** Should there still be no room, the first client brings us back to `onFull`. */
  #resume(): void {
    this.#yieldsToSiblings = false
    this.#loop.timers.unset(this.#recheckTimer)
    for (const listener of this.#listeners) listener.resume()
  }

  onTimer(): void {
    this.#logRecovery()
  }

  /**
   * Goes on in the place of another limit, whose listeners follow by `add`. A limit that was logged there is logged as over
   * here: with room for a while, as ever.
   */
  takeOver(old: ConnectionLimit): void {
    this.#isLimitLogged = old.#isLimitLogged
    old.#isLimitLogged = false
    old.#release()
    if (this.#isLimitLogged)
      this.#loop.timers.set(this.#recoveryTimer, this.#loop.nowMs + RECOVERY_LOG_DELAY_MS)
  }

  /** No more clients, for good; those that are connected already are taken first, or not: `closingOf` a slot. */
  stop(closingOf: (slot: number) => Closing): void {
    const closings = this.#listeners.map((listener) => closingOf(listener.slot))
    // Siblings take the clients of a listener that is closed now: they have room, or log a limit of their own.
    if (this.#isLimitLogged && closings.includes('now')) this.#logRecovery()
    for (const [i, listener] of this.#listeners.entries()) listener.close(closings[i] as Closing)
    this.#release()
  }

  #release(): void {
    this.#isStopped = true
    this.#loop.timers.unset(this.#recoveryTimer)
    this.#loop.timers.unset(this.#recheckTimer)
    this.#listeners.length = 0
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
