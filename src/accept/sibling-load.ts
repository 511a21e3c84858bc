import type { Cells } from '../cells/cells.js'
import type { Fd } from '../kernel/calls.js'
import { COUNT, countIn } from '../observe/counters.js'
import type { Loop } from '../reactor/loop.js'
import { Wakeup } from './wakeup.js'

/** Which children there are is looked up again after this time: rows of hundreds are not read for each client. */
const REFRESH_EVERY_MS = 50

/** A lead of a sixteenth is noticed: to step back costs two system calls, and load that is nearly even is even. */
const NOTICEABLE_PART = 16

export interface SiblingLoadParts {
  readonly cells: Cells
  /** This child's. */
  readonly slot: number
  readonly loop: Loop
  /** The timerfd that wakes all of them. */
  readonly wakeupFd: Fd
  /** Somebody left clients to this child and the others. */
  onClientsLeft(): void
}

/** The other children that take clients from the same queues, as shared memory tells. */
export class SiblingLoad {
  readonly #cells: Cells
  readonly #loop: Loop
  readonly #own: Float64Array
  /** Counters of all children but this one that there may be: views cost too much to be made again. */
  readonly #rows: readonly Float64Array[]
  /** Of those that accept. */
  readonly #accepting: Float64Array[] = []
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

  /** Tells the others that this child accepts, and how many sessions it takes. */
  enter(places: number): void {
    this.#own[COUNT.placesNow] = places
  }

  /** Accepts no more, after its listeners are closed. */
  leave(): void {
    this.#own[COUNT.placesNow] = 0
    this.wakeSiblings()
  }

  /** The others look whether somebody waits: this child has stopped to accept, and the kernel may have told it alone. */
  wakeSiblings(): void {
    this.#wakeup.wake()
  }

  /** Is there room for a client in another child, or in one that may still be started? */
  haveRoom(): boolean {
    if (this.#cells.mayGrow[0] === 1) {
      this.#refreshAtMs = 0 // who was to come may be there the next time
      return true
    }
    this.#refresh()
    for (const other of this.#accepting) if (roomOf(other) > 0) return true
    return false
  }

  /** Has this child noticeably more sessions than another one that has room? */
  isOneLessUsed(): boolean {
    this.#refresh()
    const own = countIn(this.#own, COUNT.sessionsNow)
    for (const other of this.#accepting) {
      const lead = own - countIn(other, COUNT.sessionsNow)
      if (lead * NOTICEABLE_PART > own && roomOf(other) > 0) return true
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
