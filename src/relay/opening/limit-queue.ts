/** Clients of this worker that wait for a place of a limit (`action = queue`), in the order in which they came. */
import type { Limiter } from '../../admission/limiter.js'
import type { Loop } from '../../reactor/loop.js'
import { Timer, type TimerOwner } from '../../reactor/timers.js'
import type { Session } from '../session.js'

/** Places that other workers free are found by a timer, as those of remotes (`pool-queue.ts`). */
const LOOK_EVERY_MS = 5

/** Gives a session that waits its place, if its key has one; then the session leaves the queue. */
export type ServeWaiting = (session: Session, limiter: Limiter) => void

export class LimitQueue implements TimerOwner {
  readonly #limiter: Limiter
  readonly #loop: Loop
  readonly #serve: ServeWaiting
  readonly #timer = new Timer(this)
  /** In the order of insertion. */
  readonly #waiting = new Set<Session>()
  #isServing = false

  constructor(limiter: Limiter, loop: Loop, serve: ServeWaiting) {
    this.#limiter = limiter
    this.#loop = loop
    this.#serve = serve
  }

  /** False: as many clients are held as may be. */
  enter(session: Session): boolean {
    const limiter = this.#limiter
    if (limiter.holding >= limiter.plan.heldMax) return false
    limiter.holding++
    session.limitQueue = this
    this.#waiting.add(session)
    if (!this.#timer.isSet) this.#loop.timers.set(this.#timer, this.#loop.nowMs + LOOK_EVERY_MS)
    return true
  }

  /** The session is served, or ends. */
  leave(session: Session): void {
    if (!this.#waiting.delete(session)) return
    session.limitQueue = undefined
    this.#limiter.holding--
    if (this.#waiting.size === 0) this.#loop.timers.unset(this.#timer)
  }

  /** Serves all clients whose keys have a place. One that is served may end at once, which leads back here. */
  serve(): void {
    if (this.#isServing || this.#waiting.size === 0) return
    this.#isServing = true
    for (const session of this.#waiting) this.#serve(session, this.#limiter)
    this.#isServing = false
  }

  onTimer(): void {
    this.serve()
    if (this.#waiting.size > 0) this.#loop.timers.set(this.#timer, this.#loop.nowMs + LOOK_EVERY_MS)
  }
}

/** One for each limit that somebody has waited for. */
export class LimitQueues {
  readonly #queues = new Map<Limiter, LimitQueue>()

  of(limiter: Limiter): LimitQueue | undefined {
    return this.#queues.get(limiter)
  }

  open(limiter: Limiter, loop: Loop, serve: ServeWaiting): LimitQueue {
    const known = this.#queues.get(limiter)
    if (known !== undefined) return known
    const queue = new LimitQueue(limiter, loop, serve)
    this.#queues.set(limiter, queue)
    return queue
  }
}
