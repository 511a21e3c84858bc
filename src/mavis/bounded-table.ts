/** Of each table of a module: what clients cause must not fill the memory. The oldest entries make room. */
export const ENTRIES_MAX = 10_000

/** To find the oldest of a Map, all that were deleted before it are passed over: once for so many is cheap. */
export const FORGOTTEN_AT_ONCE = 100

/** To look through a whole table takes a fraction of a millisecond, which is too much for each question. */
const PURGE_PERIOD_MS_MIN = 1_000

interface Entry<Value> {
  readonly value: Value
  readonly expiresAtMs: number
}

/** What holds for a time. Times are of CLOCK_MONOTONIC. */
export class BoundedTable<Value> {
  readonly #entries = new Map<string, Entry<Value>>()
  readonly #purgePeriodMs: number
  #purgedAtMs = Number.NEGATIVE_INFINITY

  constructor(purgePeriodMs: number) {
    this.#purgePeriodMs = Math.max(purgePeriodMs, PURGE_PERIOD_MS_MIN)
  }

  get size(): number {
    return this.#entries.size
  }

  /** Undefined when there is none, or when it does not hold any more. */
  get(key: string, nowMs: number): Entry<Value> | undefined {
    this.#purge(nowMs)
    const entry = this.#entries.get(key)
    return entry !== undefined && nowMs < entry.expiresAtMs ? entry : undefined
  }

  /** The entry is the youngest from now on, also if there was one before. */
  set(key: string, value: Value, expiresAtMs: number): void {
    this.#entries.delete(key)
    if (this.#entries.size >= ENTRIES_MAX) this.#forgetOldest()
    this.#entries.set(key, { value, expiresAtMs })
  }

  #forgetOldest(): void {
    let left = FORGOTTEN_AT_ONCE
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
