/** Who is told when a timer is due. */
export interface TimerOwner {
  /** The timer is off when this is called; the owner may set it again. */
  onTimer(): void
}

/**
 * A moment that its owner wants to hear of; one record for the owner's whole life. A deadline that only moves
 * later costs nothing here: the owner keeps it in a field, and sets the timer again when it rings too early.
 */
export class Timer {
  readonly owner: TimerOwner | undefined
  dueMs = 0
  /** Neighbours in the ring of a bucket; a timer alone with itself is off. */
  previous: Timer = this
  next: Timer = this

  constructor(owner?: TimerOwner) {
    this.owner = owner
  }

  get isSet(): boolean {
    return this.next !== this
  }
}

/** What nobody waits for: the longest wait that epoll_wait(2) can express, 24 days. */
export const FOR_EVER_MS = 0x7fff_ffff

/** Finest step of the wheel: nobody needs a deadline of a relay to be more exact. */
const TICK_MS = 4
const SLOTS = 64
/** 64^5 ticks of 4 ms are 49 days; what is due later waits in the last bucket and is set again. */
const LEVELS = 5

/**
 * A hierarchical timing wheel. A bucket is numbered by its beginning divided by the width of its level; the
 * bucket that the present falls into is always empty, so its place serves the one 64 further on.
 *
 * Setting and unsetting cost the same with ten timers and with 100,000. A bucket
 * of a coarse level is opened at its beginning and its timers move to finer levels, so nothing rings early, and
 * late by one tick at most.
 */
export class Timers {
  /** Asked, not told: a fraction that is an argument is a heap object for each turn of the loop. */
  readonly #clock: { readonly nowMs: number }
  readonly #buckets: readonly Timer[] = Array.from({ length: LEVELS * SLOTS }, () => new Timer())
  readonly #opened = new Timer()
  #tick = 0
  #count = 0
  /** A lower bound of the next bucket's beginning, in ticks. */
  #nextTick = Number.POSITIVE_INFINITY

  constructor(clock: { readonly nowMs: number }) {
    this.#clock = clock
    this.#tick = Math.floor(clock.nowMs / TICK_MS)
  }

  get count(): number {
    return this.#count
  }

  /** Whole milliseconds until something may be due, at most FOR_EVER_MS. */
  waitMs(): number {
    if (this.#count === 0) return FOR_EVER_MS
    const waitMs = Math.max(0, this.#nextTick * TICK_MS - this.#clock.nowMs)
    return Math.ceil(Math.min(waitMs, FOR_EVER_MS)) | 0
  }

  set(timer: Timer, dueMs: number): void {
    this.unset(timer)
    timer.dueMs = dueMs
    this.#count++
    this.#insert(timer)
  }

  unset(timer: Timer): void {
    if (!timer.isSet) return
    this.#count--
    unlink(timer)
  }

  /** Rings everything that is due. Owners may set and unset any timer meanwhile. */
  advance(): void {
    const { nowMs } = this.#clock
    const now = Math.floor(nowMs / TICK_MS)
    if (now < this.#nextTick) {
      this.#tick = Math.max(this.#tick, now)
      return
    }
    this.#open(now)
    this.#tick = now
    this.#ring(nowMs)
    this.#nextTick = this.#earliest()
  }

  #insert(timer: Timer): void {
    const due = Math.max(this.#tick + 1, Math.ceil(timer.dueMs / TICK_MS))
    const ahead = due - this.#tick
    let level = 0
    let width = 1
    while (level < LEVELS - 1 && ahead >= SLOTS * width) {
      level++
      width *= SLOTS
    }
    const bucket = Math.min(Math.floor(due / width), Math.floor(this.#tick / width) + SLOTS)
    link(this.#bucket(level, bucket), timer)
    this.#nextTick = Math.min(this.#nextTick, bucket * width)
  }

  #bucket(level: number, number: number): Timer {
    return this.#buckets[level * SLOTS + (number % SLOTS)] as Timer
  }

  /** Moves the timers of every bucket that begins after the last tick and up to `now` into one ring. */
  #open(now: number): void {
    for (let level = 0, width = 1; level < LEVELS; level++, width *= SLOTS) {
      const last = Math.floor(now / width)
      const first = Math.max(Math.floor(this.#tick / width) + 1, last - SLOTS + 1)
      for (let number = first; number <= last; number++) {
        splice(this.#opened, this.#bucket(level, number))
      }
    }
  }

  #ring(nowMs: number): void {
    for (let timer = this.#opened.next; timer !== this.#opened; timer = this.#opened.next) {
      unlink(timer)
      if (timer.dueMs > nowMs) {
        this.#insert(timer)
        continue
      }
      this.#count--
      timer.owner?.onTimer()
    }
  }

  #earliest(): number {
    let earliest = Number.POSITIVE_INFINITY
    if (this.#count === 0) return earliest
    for (let level = 0, width = 1; level < LEVELS; level++, width *= SLOTS) {
      const current = Math.floor(this.#tick / width)
      for (let number = current + 1; number <= current + SLOTS; number++) {
        if (!this.#bucket(level, number).isSet) continue
        earliest = Math.min(earliest, number * width)
        break
      }
    }
    return earliest
  }
}

function link(ring: Timer, timer: Timer): void {
  timer.previous = ring.previous
  timer.next = ring
  ring.previous.next = timer
  ring.previous = timer
}

function unlink(timer: Timer): void {
  timer.previous.next = timer.next
  timer.next.previous = timer.previous
  timer.next = timer
  timer.previous = timer
}

/** Moves all timers of `from` to the end of `to`. */
function splice(to: Timer, from: Timer): void {
  if (!from.isSet) return
  const first = from.next
  const last = from.previous
  first.previous = to.previous
  to.previous.next = first
  last.next = to
  to.previous = last
  from.next = from
  from.previous = from
}
