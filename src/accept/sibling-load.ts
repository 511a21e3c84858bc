/** What a child reads about its siblings where children accept from shared queues, and how it wakes them. */
import type { Cells } from '../cells/cells.js'
import type { Fd } from '../kernel/calls.js'
import { COUNT, countIn } from '../observe/counters.js'
import type { Loop } from '../reactor/loop.js'
import { Wakeup } from './wakeup.js'

/** How long the list of accepting children is cached: with hundreds of children it is not worth a scan per client. */
const REFRESH_EVERY_MS = 50

/** A lead of less than 1/16 counts as even load: to yield costs two system calls. */
const NOTICEABLE_FRACTION_DIVISOR = 16

export interface SiblingLoadParts {
  readonly cells: Cells
  /** The slot of this child. */
  readonly slot: number
  readonly loop: Loop
  /** The timerfd that wakes all of them. */
  readonly wakeupFd: Fd
  /** A sibling yielded clients that wait in the shared queues. */
  onClientsLeft(): void
}

/**
 * The load of the other children that accept from the same queues (`accept = direct`), read from their counters in
 * shared memory.
 */
export class SiblingLoad {
  readonly #cells: Cells
  readonly #loop: Loop
  /** The counters of this child. */
  readonly #own: Float64Array
  /** Counters of all other slots, used or not; kept because a view of shared memory is expensive to make. */
  readonly #rows: readonly Float64Array[]
  /** Counters of the siblings that accept now. */
  readonly #accepting: Float64Array[] = []
  /** When `#accepting` is read from shared memory again, in the time of the loop. */
  #refreshAtMs = 0
  readonly #wakeup: Wakeup

  constructor({ wakeupFd, cells, loop, onClientsLeft, slot }: SiblingLoadParts) {
    this.#cells = cells
    this.#loop = loop
    this.#own = cells.countersOf(slot)
    const slots = Array.from({ length: cells.layout.shape.children }, (_, other) => other)
    this.#rows = slots.filter((other) => other !== slot).map((other) => cells.countersOf(other))
    this.#wakeup = new Wakeup(wakeupFd, onClientsLeft)
    this.#wakeup.open(loop)
  }

  /** Publishes that this child accepts, and how many sessions it takes. */
  enter(places: number): void {
    this.#own[COUNT.placesNow] = places
  }

  /** Publishes that this child accepts no more. Call it after the listeners are closed. */
  leave(): void {
    this.#own[COUNT.placesNow] = 0
    this.wakeSiblings()
  }

  /** Makes all siblings check their queues: the kernel may have reported a waiting client to this child alone. */
  wakeSiblings(): void {
    this.#wakeup.wake()
  }

  /** Whether a sibling has room, or another child may still be started. */
  haveRoom(): boolean {
    if (this.#cells.mayGrow[0] === 1) {
      this.#refreshAtMs = 0 // the child that may be started could accept by the next call
      return true
    }
    this.#refresh()
    for (const other of this.#accepting) if (roomOf(other) > 0) return true
    return false
  }

  /** Whether a sibling with room has noticeably fewer sessions than this child. */
  isOneLessUsed(): boolean {
    this.#refresh()
    const own = countIn(this.#own, COUNT.sessionsNow)
    for (const other of this.#accepting) {
      const lead = own - countIn(other, COUNT.sessionsNow)
      if (lead * NOTICEABLE_FRACTION_DIVISOR > own && roomOf(other) > 0) return true
    }
    return false
  }

  #refresh(): void {
    if (this.#loop.nowMs < this.#refreshAtMs) return
    this.#refreshAtMs = this.#loop.nowMs + REFRESH_EVERY_MS
    this.#accepting.length = 0
    for (const counters of this.#rows) {
      if (countIn(counters, COUNT.placesNow) > 0) this.#accepting.push(counters)
    }
  }
}

function roomOf(counters: Float64Array): number {
  return countIn(counters, COUNT.placesNow) - countIn(counters, COUNT.sessionsNow)
}
