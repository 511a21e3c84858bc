/** A table whose entries expire, bounded in size because clients cause its entries. */

/** Default of the entries of one table. A full table drops its oldest entries. */
export const ENTRIES_MAX = 10_000

/** Dropped at once: finding the oldest entry of a Map steps over all deleted slots before it, so it is done rarely. */
export const DROPPED_AT_ONCE = 100

/** Scanning a full table takes a fraction of a millisecond, which is too much for every query. */
const PURGE_PERIOD_MS_MIN = 1_000

interface Entry<Value> {
  readonly value: Value
  readonly expiresAtMs: number
}

/** Entries by key, each with its expiry time (CLOCK_MONOTONIC). */
export class BoundedTable<Value> {
  readonly #entries = new Map<string, Entry<Value>>()
  readonly #purgePeriodMs: number
  readonly #entriesMax: number
  /** Time of the last removal of expired entries. */
  #purgedAtMs = Number.NEGATIVE_INFINITY

  constructor(purgePeriodMs: number, entriesMax = ENTRIES_MAX) {
    this.#entriesMax = entriesMax
    this.#purgePeriodMs = Math.max(purgePeriodMs, PURGE_PERIOD_MS_MIN)
  }

  get size(): number {
    return this.#entries.size
  }

  /** Undefined when there is no entry or it has expired. */
  get(key: string, nowMs: number): Entry<Value> | undefined {
    this.#purge(nowMs)
    const entry = this.#entries.get(key)
    return entry !== undefined && nowMs < entry.expiresAtMs ? entry : undefined
  }

  /** Sets an entry and makes it the youngest one, also when it replaces another. */
  set(key: string, value: Value, expiresAtMs: number): void {
    this.#entries.delete(key)
    if (this.#entries.size >= this.#entriesMax) this.#dropOldest()
    this.#entries.set(key, { value, expiresAtMs })
  }

  #dropOldest(): void {
    let left = DROPPED_AT_ONCE
    // A Map iterates in the order of insertion: the oldest first.
    for (const key of this.#entries.keys()) {
      if (left-- === 0) return
      this.#entries.delete(key)
    }
  }

  #purge(nowMs: number): void {
    if (nowMs - this.#purgedAtMs < this.#purgePeriodMs) return
    this.#purgedAtMs = nowMs
    for (const [key, { expiresAtMs }] of this.#entries) if (expiresAtMs <= nowMs) this.#entries.delete(key)
  }
}
