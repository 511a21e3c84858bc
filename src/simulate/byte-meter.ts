/** The bytes that the sessions of each remote transfer, for policies that measure them: evenly over a session's length. */
import type { Pool } from '../balance/pool.js'

export class ByteMeter {
  /** Bytes per millisecond of the present sessions, by slot. */
  readonly #rates: Float64Array
  /** Bytes that the policy has not been told. */
  readonly #bytes: Float64Array
  readonly #countedMs: Float64Array

  constructor(slots: number) {
    this.#rates = new Float64Array(slots)
    this.#bytes = new Float64Array(slots)
    this.#countedMs = new Float64Array(slots)
  }

  /** A session without a length transfers all at once. */
  begin(slot: number, bytes: number, lengthMs: number, nowMs: number): void {
    this.#count(slot, nowMs)
    if (lengthMs > 0) this.#addRate(slot, bytes / lengthMs)
    else this.#bytes[slot] = (this.#bytes[slot] as number) + bytes
  }

  end(slot: number, bytes: number, lengthMs: number, nowMs: number): void {
    this.#count(slot, nowMs)
    if (lengthMs > 0) this.#addRate(slot, -bytes / lengthMs)
  }

  /** All sessions of a remote have ended. */
  clear(slot: number): void {
    this.#rates[slot] = 0
  }

  /** Hands the policy of a pool what has been transferred since the last call. */
  report(pool: Pool, nowMs: number): void {
    for (let i = 0; i < pool.members.length; i++) {
      const slot = pool.members[i] as number
      this.#count(slot, nowMs)
      pool.observe(slot, this.#bytes[slot] as number, nowMs)
      this.#bytes[slot] = 0
    }
  }

  #count(slot: number, nowMs: number): void {
    const rate = this.#rates[slot] as number
    this.#bytes[slot] = (this.#bytes[slot] as number) + rate * (nowMs - (this.#countedMs[slot] as number))
    this.#countedMs[slot] = nowMs
  }

  #addRate(slot: number, rate: number): void {
    // Rounding may leave a little less than nothing when the last session ends.
    this.#rates[slot] = Math.max(0, (this.#rates[slot] as number) + rate)
  }
}
