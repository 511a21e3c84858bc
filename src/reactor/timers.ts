/** The timers of a loop: a hierarchical timing wheel. */

/** Receives a timer that is due. */
export interface TimerOwner {
  /** The timer is already unset when this is called; the owner may set it again. */
  onTimer(): void
}

/**
 * One timer, allocated once per owner. A deadline that only moves later costs nothing: the owner keeps it in a field,
 * and sets the timer again when it fires before that deadline.
 */
export class Timer {
  readonly owner: TimerOwner | undefined
  dueMs = 0
  /** Neighbours in the circular list of a bucket; a timer that is its own neighbour is unset. */
  previous: Timer = this
  next: Timer = this

  constructor(owner?: TimerOwner) {
    this.owner = owner
  }

  get isSet(): boolean {
    return this.next !== this
  }
}

/** No deadline: the longest timeout of epoll_wait(2), 24 days. */
export const FOR_EVER_MS = 0x7fff_ffff

/** Resolution of the wheel: the shortest interval is that in which waiting clients look for a place, 2 ms. */
const TICK_MS = 1
const SLOTS = 64
/** 64^5 ticks of 1 ms are 12 days; a timer beyond that goes into the last bucket and is inserted again from there. */
const LEVELS = 5

/**
 * A hierarchical timing wheel: setting and unsetting take constant time, with ten timers or with 100,000. A bucket's
 * number is its start time divided by the width of its level. The bucket of the current time is always empty, so its
 * array element is used for the bucket 64 further on.
 *
 * When a bucket of a coarse level starts, its timers move to finer levels: no timer fires early, and none later than
 * one tick.
 */
export class Timers {
  /** Read from the owner instead of passed: V8 boxes a fraction that is an argument, once per turn. */
  readonly #clock: { readonly nowMs: number }
  readonly #buckets: readonly Timer[] = Array.from({ length: LEVELS * SLOTS }, () => new Timer())
  /** Timers of the buckets that `advance` has reached. */
  readonly #opened = new Timer()
  /** The last tick that `advance` has reached. */
  #tick = 0
  #count = 0
  /** Lower bound of the start of the next non-empty bucket, in ticks. */
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

  /** Fires all timers that are due. Owners may set and unset any timer from `onTimer`. */
  advance(): void {
    const { nowMs } = this.#clock
    const now = Math.floor(nowMs / TICK_MS)
    if (now < this.#nextTick) {
      this.#tick = Math.max(this.#tick, now)
      return
    }
    this.#open(now)
    // Before timers fire: their owners set others, whose buckets are counted from this tick.
    this.#tick = now
    this.#fire(nowMs)
    this.#nextTick = this.#earliest()
  }

  #insert(timer: Timer): void {
    // Never in the bucket of the current tick: it would be taken for the one 64 ticks later.
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

  /** Moves the timers of every bucket that starts after the last tick and up to `now` into one list. */
  #open(now: number): void {
    for (let level = 0, width = 1; level < LEVELS; level++, width *= SLOTS) {
      const last = Math.floor(now / width)
      const first = Math.max(Math.floor(this.#tick / width) + 1, last - SLOTS + 1)
      for (let number = first; number <= last; number++) {
        splice(this.#opened, this.#bucket(level, number))
      }
    }
  }

  #fire(nowMs: number): void {
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
