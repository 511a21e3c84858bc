/**
 * Which remote each client had: a hash table of fixed size in memory that all workers share. `layout.ts` says who may
 * write it.
 *
 * The hash of a client selects a set of 16 entries; a new client evicts the least recently used one of its set. An entry
 * has four words: the two halves of the key, each XORed with the value, then the value, and the time of its last use.
 * Workers write them without a lock. An entry with words of two writers matches no key, except by a coincidence of 32
 * bits, so a reader never gets the value of another key (Hyatt and Mann, "A lock-less transposition table
 * implementation for parallel search"). A worker that is killed while it writes leaves no lock behind.
 */
import type { Region } from '../kernel/memory.js'
import { createSealedMemory, mapShared, unmap } from '../kernel/memory.js'

const ENTRIES_PER_SET = 16
const WORDS_PER_ENTRY = 4
const WORDS_PER_SET = ENTRIES_PER_SET * WORDS_PER_ENTRY
const BYTES_PER_SET = WORDS_PER_SET * 4

/** Words of an entry; the first one is the first half of the key. */
const SECOND = 1
const VALUE = 2
const TICK = 3

/** Times are stored in 32 bits, which wrap after 13 years. */
const TICK_MS = 100

/** The clock of a reactor stands still during a turn, so that of another one may be ahead by this much. */
const AHEAD_TICKS_MAX = 10

/** `find`: the key is not in the table. No value of a key. */
export const NOTHING = 0

const NOT_FOUND = -1

/** The memory of a table, as it is passed to the workers. */
export interface StickyShare {
  readonly fd: number
  readonly entries: number
  /** Of the hashes of its keys: unpredictable, or a client could choose an address that evicts another client. */
  readonly seed: number
}

/** Whole sets with room for this many entries. */
export function stickyBytes(entries: number): number {
  return Math.ceil(entries / ENTRIES_PER_SET) * BYTES_PER_SET
}

/** Returns the descriptor of an empty table, which nobody can resize. Throws when the system has no memory. */
export function createStickyMemory(entries: number): number {
  return createSealedMemory('tcprelay-sticky', stickyBytes(entries))
}

/** Maps a table; `close` unmaps it. Throws when the system has no memory. */
export function openStickyTable({ entries, fd }: StickyShare, ttlMs: number): StickyTable {
  return new StickyTable(mapShared(fd, stickyBytes(entries)), ttlMs)
}

/** Keys are two words of 32 bits. Times are CLOCK_MONOTONIC. */
export class StickyTable {
  readonly #region: Region
  readonly #words: Int32Array
  readonly #sets: number
  readonly #ttlTicks: number
  /** The value that `#search` has compared: reading it again might give another one. */
  #found = NOTHING

  constructor(region: Region, ttlMs: number) {
    const { buffer, byteLength, byteOffset } = region.bytes
    this.#region = region
    this.#words = new Int32Array(buffer, byteOffset, byteLength / 4)
    this.#sets = byteLength / BYTES_PER_SET
    this.#ttlTicks = Math.ceil(ttlMs / TICK_MS)
  }

  /** The value of a key, which counts as used now; NOTHING if it is unknown or expired. */
  find(first: number, second: number, nowMs: number): number {
    const tick = tickOf(nowMs)
    const at = this.#search(first, second)
    if (at === NOT_FOUND || !this.#isLive(at, tick)) return NOTHING
    const value = this.#found
    this.#use(at, tick)
    return value
  }

  /** Sets the value of a key, which counts as used now. `value`: any 32-bit integer but NOTHING. */
  put(first: number, second: number, value: number, nowMs: number): void {
    const tick = tickOf(nowMs)
    const found = this.#search(first, second)
    const at = found === NOT_FOUND ? this.#leastRecentlyUsed(second, tick) : found
    Atomics.store(this.#words, at, first ^ value)
    Atomics.store(this.#words, at + SECOND, second ^ value)
    Atomics.store(this.#words, at + VALUE, value)
    this.#use(at, tick)
  }

  /** Unmaps the memory. */
  close(): void {
    unmap(this.#region)
  }

  /** The index of the first word of an entry, expired or not. */
  #search(first: number, second: number): number {
    const words = this.#words
    const begin = this.#setOf(second)
    for (let at = begin; at < begin + WORDS_PER_SET; at += WORDS_PER_ENTRY) {
      const value = Atomics.load(words, at + VALUE)
      if (value === NOTHING || (Atomics.load(words, at) ^ value) !== first) continue
      if ((Atomics.load(words, at + SECOND) ^ value) !== second) continue
      this.#found = value
      return at
    }
    return NOT_FOUND
  }

  /** An unused entry if there is one. Expired entries are the least recently used ones. */
  #leastRecentlyUsed(second: number, tick: number): number {
    const begin = this.#setOf(second)
    let oldest = begin
    let mostTicks = -Infinity
    for (let at = begin; at < begin + WORDS_PER_SET; at += WORDS_PER_ENTRY) {
      const ticks = this.#unusedTicks(at, tick)
      if (Atomics.load(this.#words, at + VALUE) === NOTHING || ticks < -AHEAD_TICKS_MAX) return at
      if (ticks <= mostTicks) continue
      oldest = at
      mostTicks = ticks
    }
    return oldest
  }

  /** A time in the future is that of a compromised worker: it must not occupy the entry for years. */
  #isLive(at: number, tick: number): boolean {
    const ticks = this.#unusedTicks(at, tick)
    return ticks >= -AHEAD_TICKS_MAX && ticks < this.#ttlTicks
  }

  #unusedTicks(at: number, tick: number): number {
    return (tick - Atomics.load(this.#words, at + TICK)) | 0
  }

  #use(at: number, tick: number): void {
    if (Atomics.load(this.#words, at + TICK) !== tick) Atomics.store(this.#words, at + TICK, tick)
  }

  #setOf(second: number): number {
    return Math.floor(((second >>> 0) / 2 ** 32) * this.#sets) * WORDS_PER_SET
  }
}

function tickOf(nowMs: number): number {
  return Math.floor(nowMs / TICK_MS) | 0
}
