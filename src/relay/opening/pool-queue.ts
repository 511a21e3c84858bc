/**
 * The clients of one pool that wait in this worker because every usable remote is full. `balance/queue-order.ts` says
 * whose turn it is over all workers, `queued.ts` is the phase of a waiting session.
 */
import { FULL, NONE } from '../../balance/policy.js'
import type { Pool } from '../../balance/pool.js'
import type { QueueOrder } from '../../balance/queue-order.js'
import type { Places } from '../../cells/places.js'
import type { Loop } from '../../reactor/loop.js'
import { Timer, type TimerOwner } from '../../reactor/timers.js'
import type { Session } from '../session.js'
import type { Dialling } from './dialling.js'

/**
 * How often places are looked for that other workers have freed, and remotes that have come up, while somebody waits: with
 * the delay of a timer, a client gets a place within 5 ms.
 */
const LOOK_EVERY_MS = 2

export interface PoolQueueParts {
  readonly loop: Pick<Loop, 'nowMs' | 'timers'>
  readonly pool: Pool
  readonly places: Places
  /** Counts the waiting clients of all workers, and limits them. */
  readonly place: number
  readonly order: QueueOrder
  /** Gives the session a remote; false if none has room any more. It leaves the queue before anything else happens. */
  serve(session: Session): boolean
}

/** First come, first served. A list through the dialling states of the sessions, so that each can leave at any time. */
export class PoolQueue implements TimerOwner {
  readonly #parts: PoolQueueParts
  readonly #timer = new Timer(this)
  #first: Dialling | undefined
  #last: Dialling | undefined
  #isServing = false

  constructor(parts: PoolQueueParts) {
    this.#parts = parts
  }

  /** Whether clients wait, in any worker: new ones must not overtake them. */
  get isWaitedIn(): boolean {
    return this.#parts.places.countOf(this.#parts.place) > 0
  }

  /** Appends a client; false if as many wait already as may. */
  enter(dialling: Dialling, session: Session): boolean {
    const { loop, order, place, places } = this.#parts
    if (!places.take(place)) return false
    dialling.waiting = session
    dialling.queuedAtMs = loop.nowMs
    dialling.previous = this.#last
    if (this.#last !== undefined) this.#last.next = dialling
    this.#last = dialling
    if (this.#first !== undefined) return true
    this.#first = dialling
    order.setFirst(dialling.queuedAtMs)
    loop.timers.set(this.#timer, loop.nowMs + LOOK_EVERY_MS)
    return true
  }

  /** Removes a client: it is served, or has left. */
  leave(dialling: Dialling): void {
    const { loop, order, place, places } = this.#parts
    const { next, previous } = dialling
    if (next === undefined) this.#last = previous
    else next.previous = previous
    if (previous === undefined) {
      this.#first = next
      order.setFirst(next?.queuedAtMs ?? 0)
      if (next === undefined) loop.timers.unset(this.#timer)
    } else previous.next = next
    dialling.waiting = undefined
    dialling.next = undefined
    dialling.previous = undefined
    places.giveBack(place)
  }

  /** Serves waiting clients while there is room. A client that is served may fail at once, which leads back here. */
  serve(): void {
    if (this.#isServing || this.#first === undefined) return
    this.#isServing = true
    while (this.#serveNext());
    this.#isServing = false
  }

  onTimer(): void {
    const { loop } = this.#parts
    this.serve()
    if (this.#first !== undefined) loop.timers.set(this.#timer, loop.nowMs + LOOK_EVERY_MS)
  }

  /** Serves the first client that a remote has room for: usually the head of the queue, or none. */
  #serveNext(): boolean {
    const { loop, order, pool } = this.#parts
    for (let dialling = this.#first; dialling !== undefined; dialling = dialling.next) {
      const outlook = pool.outlook(dialling.tried, loop.nowMs)
      if (outlook === FULL) {
        // Others have a choice only if this one has used up a part of it.
        if (dialling.hasTried) continue
        order.onFull()
        return false
      }
      // A client without any usable remote takes no place: what follows is for its phase.
      if (outlook !== NONE && !order.mayTake(loop.nowMs)) return false
      return dialling.waiting !== undefined && this.#parts.serve(dialling.waiting)
    }
    return false
  }
}
