/**
 * What a limit knows of its keys: a hash table of fixed size in memory that all workers share. `layout.ts` says who may write it.
 *
 * A key is two hashes: one selects a set of 16 entries, the other, the tag, is compared. So two keys share an entry with a
 * probability of 2^-32 for each pair in a set. A set has a column of 16 words for each kind of number, so that a search reads
 * one cache line.
 *
 * Workers change the numbers of an entry by compare-and-exchange. Only a new key needs a lock, that of its set, which is held
 * for a few stores. A worker that does not get it for long goes on without an entry, because another worker may have been stopped.
 * An entry with sessions is not evicted: whoever evicts freezes the number of sessions first, and whoever takes a place looks at
 * the tag again afterwards.
 */
import { FULL, MOVED, TAKEN, type Taking, UNTRACKED } from '../base/limit-taking.js'

const ENTRIES_PER_SET = 16
const WORDS_PER_SET = 8 * ENTRIES_PER_SET
const BYTES_PER_SET = WORDS_PER_SET * 4

/** Columns of a set, by their first word. */
const TAG = 0
/** Sessions of all workers. */
const HELD = ENTRIES_PER_SET
/** When the token bucket will be full again (`admission/token-bucket.ts`). */
const FULL_AT = 2 * ENTRIES_PER_SET
/** Ticks: when the entry was last used, and when its ban ends; 0: no ban. */
const USED_AT = 3 * ENTRIES_PER_SET
const BANNED_UNTIL = 4 * ENTRIES_PER_SET
/** Rejections since a tick. */
const REJECTIONS = 5 * ENTRIES_PER_SET
const REJECTED_SINCE = 6 * ENTRIES_PER_SET
/** One word: the child that holds the lock of the set, as its slot plus one; 0: nobody. */
const LOCK = 7 * ENTRIES_PER_SET

/** The number of sessions of an entry that is being evicted. */
const FROZEN = -(2 ** 30)

/** Attempts to get a lock: some ten milliseconds, because the worker that has it may have to wait for a processor. */
const ATTEMPTS_MAX = 100_000

/** Times are stored in 32 bits, which wrap after 13 years. */
const TICK_MS = 100

/** The clock of a reactor stands still during a turn, so that of another one may be ahead by this much. */
const AHEAD_TICKS_MAX = 10

/** Whole sets with room for this many entries. */
export function limitBytes(entries: number): number {
  return Math.ceil(entries / ENTRIES_PER_SET) * BYTES_PER_SET
}

/** Bytes of the times of an entry in each direction, up to which bytes are paid for. */
const PAID_BYTES = 2 * 8

/** Of the memory for `LimitUser.paidUntilMs`. */
export function paidBytes(entries: number): number {
  return Math.ceil(entries / ENTRIES_PER_SET) * ENTRIES_PER_SET * PAID_BYTES
}

/** What a child notes of its sessions: a word for each entry. */
export function heldBytes(entries: number): number {
  return Math.ceil(entries / ENTRIES_PER_SET) * ENTRIES_PER_SET * 4
}

/** `held`: where this worker notes its sessions; undefined if it does not die without the head. */
export interface LimitUser {
  readonly childSlot: number
  readonly held: Int32Array | undefined
  /** Of a limit of bytes: two times for each entry, in and out. */
  readonly paidUntilMs?: Float64Array | undefined
}

/** Tags and places are words of 32 bits. Times are CLOCK_MONOTONIC. */
export class LimitTable {
  readonly #words: Int32Array
  readonly #sets: number
  readonly #user: LimitUser

  /** `bytes`: `limitBytes` of them. */
  constructor({ buffer, byteLength, byteOffset }: Uint8Array, user: LimitUser) {
    this.#words = new Int32Array(buffer, byteOffset, byteLength / 4)
    this.#sets = byteLength / BYTES_PER_SET
    this.#user = user
  }

  /** Undefined: bytes are not limited. */
  get paidUntilMs(): Float64Array | undefined {
    return this.#user.paidUntilMs
  }

  /** Number of entries. */
  get size(): number {
    return this.#sets * ENTRIES_PER_SET
  }

  /** The entry of a key; UNTRACKED if it has none. `tag`: not 0. */
  find(tag: number, place: number): number {
    return this.#findIn(this.#setOf(place), tag)
  }

  /** The same; a new key gets an entry. UNTRACKED if all that it could have are in use. */
  claim(tag: number, place: number, nowMs: number): number {
    const set = this.#setOf(place)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const found = this.#findIn(set, tag)
      if (found !== UNTRACKED) return found
      const lock = set * WORDS_PER_SET + LOCK
      if (Atomics.compareExchange(this.#words, lock, 0, this.#user.childSlot + 1) !== 0) continue
      const entry = this.#enter(set, tag, tickOf(nowMs))
      Atomics.store(this.#words, lock, 0)
      return entry
    }
    return UNTRACKED
  }

  /** Sessions of all workers. */
  heldOf(entry: number): number {
    return Atomics.load(this.#words, at(entry, HELD))
  }

  /** Takes a place, unless `max` are taken: workers that want the last one at the same time get it once. */
  take(entry: number, tag: number, max: number): Taking {
    const words = this.#words
    const held = at(entry, HELD)
    for (;;) {
      const taken = Atomics.load(words, held)
      if (taken < 0) return MOVED
      if (taken >= max) return FULL
      if (Atomics.compareExchange(words, held, taken, taken + 1) === taken) break
    }
    if (Atomics.load(words, at(entry, TAG)) !== tag) {
      Atomics.sub(words, held, 1)
      return MOVED
    }
    this.takeOver(entry)
    return TAKEN
  }

  giveBack(entry: number): void {
    // In this order a worker that dies in between leaves a sum that is too high, which `correct` finds.
    this.handOver(entry)
    Atomics.sub(this.#words, at(entry, HELD), 1)
  }

  /** A session moves to another worker; its place remains taken. */
  handOver(entry: number): void {
    const { held } = this.#user
    if (held !== undefined) held[entry] = (held[entry] as number) - 1
  }

  /** The same, for the worker that receives the session. */
  takeOver(entry: number): void {
    const { held } = this.#user
    if (held !== undefined) held[entry] = (held[entry] as number) + 1
  }

  fullAt(entry: number): number {
    return Atomics.load(this.#words, at(entry, FULL_AT))
  }

  /** False: another worker has changed it. */
  moveFullAt(entry: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, at(entry, FULL_AT), from, to) === from
  }

  /** Time since the entry was last used, in steps of 100 ms. */
  unusedMs(entry: number, nowMs: number): number {
    return ((tickOf(nowMs) - Atomics.load(this.#words, at(entry, USED_AT))) | 0) * TICK_MS
  }

  use(entry: number, nowMs: number): void {
    const tick = tickOf(nowMs)
    const used = at(entry, USED_AT)
    if (Atomics.load(this.#words, used) !== tick) Atomics.store(this.#words, used, tick)
  }

  /** How long a ban still lasts; 0 without one. `forMs`: a longer one is that of a compromised worker. */
  bannedMs(entry: number, forMs: number, nowMs: number): number {
    const until = Atomics.load(this.#words, at(entry, BANNED_UNTIL))
    if (until === 0) return 0
    const ticks = (until - tickOf(nowMs)) | 0
    return ticks > 0 && ticks <= ticksOf(forMs) + AHEAD_TICKS_MAX ? ticks * TICK_MS : 0
  }

  ban(entry: number, forMs: number, nowMs: number): void {
    // 0 means no ban.
    const until = (tickOf(nowMs) + ticksOf(forMs)) | 0 || 1
    Atomics.store(this.#words, at(entry, BANNED_UNTIL), until)
  }

  /** Counts a rejection; returns how many there were within this time of the first one. */
  countRejection(entry: number, withinMs: number, nowMs: number): number {
    const words = this.#words
    const tick = tickOf(nowMs)
    const ticks = (tick - Atomics.load(words, at(entry, REJECTED_SINCE))) | 0
    if (ticks < ticksOf(withinMs) && ticks >= -AHEAD_TICKS_MAX && words[at(entry, REJECTIONS)] !== 0)
      return Atomics.add(words, at(entry, REJECTIONS), 1) + 1
    Atomics.store(words, at(entry, REJECTED_SINCE), tick)
    Atomics.store(words, at(entry, REJECTIONS), 1)
    return 1
  }

  clearRejections(entry: number): void {
    Atomics.store(this.#words, at(entry, REJECTIONS), 0)
  }

  /** For the head: the child has died. Gives its places back. `held`: what it has noted, untrusted. */
  giveBackAll(held: Int32Array): void {
    for (let entry = 0; entry < this.size; entry++) {
      if ((held[entry] as number) <= 0) continue
      const count = Math.min(held[entry] as number, this.heldOf(entry))
      if (count > 0) Atomics.sub(this.#words, at(entry, HELD), count)
    }
  }

  /** For the head: the child has died. Opens its locks. */
  openLocksOf(childSlot: number): void {
    for (let set = 0; set < this.#sets; set++) {
      const lock = set * WORDS_PER_SET + LOCK
      if (this.#words[lock] !== childSlot + 1) continue
      this.#thaw(set)
      Atomics.store(this.#words, lock, 0)
    }
  }

  /**
   * For the head: by entry, how many more places are taken than all workers have noted. Workers change both while they are
   * read, so that only a difference that is found again later is one.
   */
  surplus(notes: readonly Int32Array[]): ReadonlyMap<number, number> {
    const found = new Map<number, number>()
    for (let entry = 0; entry < this.size; entry++) {
      const taken = this.heldOf(entry)
      if (taken === 0) continue
      const noted = notes.reduce((sum, held) => sum + (held[entry] as number), 0)
      if (taken !== noted) found.set(entry, taken - noted)
    }
    return found
  }

  /** For the head: corrects the number of sessions. */
  correct(entry: number, by: number): void {
    Atomics.sub(this.#words, at(entry, HELD), by)
  }

  #findIn(set: number, tag: number): number {
    const words = this.#words
    const begin = set * WORDS_PER_SET
    for (let i = 0; i < ENTRIES_PER_SET; i++)
      if (Atomics.load(words, begin + i) === tag) return set * ENTRIES_PER_SET + i
    return UNTRACKED
  }

  /** With the lock of the set: gives a key an entry, unless another worker has done so. */
  #enter(set: number, tag: number, tick: number): number {
    const found = this.#findIn(set, tag)
    if (found !== UNTRACKED) return found
    const entry = this.#freezeOne(set, tick)
    if (entry === UNTRACKED) return UNTRACKED
    const words = this.#words
    Atomics.store(words, at(entry, FULL_AT), 0)
    Atomics.store(words, at(entry, BANNED_UNTIL), 0)
    Atomics.store(words, at(entry, REJECTIONS), 0)
    Atomics.store(words, at(entry, USED_AT), tick)
    this.#user.paidUntilMs?.fill(0, 2 * entry, 2 * entry + 2)
    Atomics.store(words, at(entry, TAG), tag)
    Atomics.store(words, at(entry, HELD), 0)
    return entry
  }

  /** The best entry to evict, with its number of sessions frozen; UNTRACKED if all have sessions. */
  #freezeOne(set: number, tick: number): number {
    for (let attempt = 0; attempt < ENTRIES_PER_SET; attempt++) {
      const entry = this.#leastRecentlyUsed(set, tick)
      if (entry === UNTRACKED) return UNTRACKED
      // It fails if another worker has just taken a place of it.
      if (Atomics.compareExchange(this.#words, at(entry, HELD), 0, FROZEN) === 0) return entry
    }
    return UNTRACKED
  }

  /** Among those without sessions: an unused one, then one without a ban, then a banned one. */
  #leastRecentlyUsed(set: number, tick: number): number {
    const words = this.#words
    let best = UNTRACKED
    let mostTicks = Number.NEGATIVE_INFINITY
    const first = set * ENTRIES_PER_SET
    for (let entry = first; entry < first + ENTRIES_PER_SET; entry++) {
      if (Atomics.load(words, at(entry, HELD)) !== 0) continue
      if (Atomics.load(words, at(entry, TAG)) === 0) return entry
      const unused = (tick - Atomics.load(words, at(entry, USED_AT))) | 0
      const until = Atomics.load(words, at(entry, BANNED_UNTIL))
      const isBanned = until !== 0 && ((until - tick) | 0) > 0
      // A ban counts more than any time; a time in the future is that of a compromised worker.
      const ticks = (unused < -AHEAD_TICKS_MAX ? 2 ** 31 : unused) - (isBanned ? 2 ** 33 : 0)
      if (ticks <= mostTicks) continue
      best = entry
      mostTicks = ticks
    }
    return best
  }

  /** The worker that held the lock has died within `#enter`: the entry that it was changing becomes unused. */
  #thaw(set: number): void {
    const first = set * ENTRIES_PER_SET
    for (let entry = first; entry < first + ENTRIES_PER_SET; entry++) {
      if (this.heldOf(entry) !== FROZEN) continue
      Atomics.store(this.#words, at(entry, TAG), 0)
      Atomics.store(this.#words, at(entry, HELD), 0)
    }
  }

  #setOf(place: number): number {
    return Math.floor(((place >>> 0) / 2 ** 32) * this.#sets)
  }
}

/** The index of the word of an entry in a column. */
function at(entry: number, column: number): number {
  return (entry >> 4) * WORDS_PER_SET + column + (entry & 15)
}

function tickOf(nowMs: number): number {
  return Math.floor(nowMs / TICK_MS) | 0
}

function ticksOf(ms: number): number {
  return Math.ceil(ms / TICK_MS)
}
