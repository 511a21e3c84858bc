/**
 * A limit of bytes per second. It is a token bucket in the form of the generic cell rate algorithm: its only state is the
 * time up to which bytes are paid for, so it needs no refill.
 */

const KiB = 1024

/** What a direction moves before it pays again: this time at the rate, so that a stream is even… */
const QUANTUM_MS = 100
/** …but no more than this: the size of a pipe, so that a paced direction splices as much at a time as another one. */
const QUANTUM_BYTES_MAX = 1024 * KiB
/** The shortest quantum, however many directions wait: bounds the wake-ups. */
const QUANTUM_MS_MIN = 1

/** What a bucket that is not used saves up, so that late timers do not lower the rate. */
const CREDIT_MS = 80

/** Another worker has written nonsense if more than this is paid for in advance. */
const AHEAD_MS_MAX = 3_600_000

/**
 * Shared by directions, which may be in several workers. The number is read and written without a lock: if two workers
 * charge in the same nanoseconds one charge is lost, which is far below the accuracy of a rate.
 */
export class ByteBucket {
  /** CLOCK_MONOTONIC in milliseconds, which all processes of a machine share. */
  #paidUntilMs: Float64Array = new Float64Array(1)
  #index = 0
  #bytesPerMs = 0.5

  /** A bucket of one direction only: nothing is saved up or owed. */
  restart(bytesPerS: number, nowMs: number): void {
    this.#bytesPerMs = bytesPerS / 1_000
    this.#paidUntilMs[this.#index] = nowMs
  }

  /** A bucket that others use too, in whatever memory it is. */
  share(bytesPerS: number, paidUntilMs: Float64Array, index: number): void {
    this.#bytesPerMs = bytesPerS / 1_000
    this.#paidUntilMs = paidUntilMs
    this.#index = index
  }

  /** Bytes may be moved now: all that were moved or reserved are paid for. */
  isPaid(nowMs: number): boolean {
    return this.#paid(nowMs) <= nowMs
  }

  /** Bytes that a direction may move or reserve at a time. Fewer if many wait, so that each has its turn soon. */
  quantum(nowMs: number): number {
    const aheadMs = this.#paid(nowMs) - nowMs
    const crowd = Math.max(1, aheadMs / QUANTUM_MS)
    const ms = Math.max(QUANTUM_MS_MIN, QUANTUM_MS / (crowd * crowd))
    return Math.max(1, Math.floor(Math.min(this.#bytesPerMs * ms, QUANTUM_BYTES_MAX)))
  }

  /** Pays for bytes that will be moved at the time that is returned. */
  reserve(nowMs: number, byteCount: number): number {
    const atMs = this.#paid(nowMs)
    this.#paidUntilMs[this.#index] = atMs + byteCount / this.#bytesPerMs
    return atMs
  }

  /** Pays for bytes that were moved; a negative number gives back what was reserved for bytes that were not. */
  charge(nowMs: number, byteCount: number): void {
    this.#paidUntilMs[this.#index] = this.#paid(nowMs) + byteCount / this.#bytesPerMs
  }

  #paid(nowMs: number): number {
    const paidMs = this.#paidUntilMs[this.#index] as number
    // Not a number fails both comparisons.
    if (paidMs >= nowMs - CREDIT_MS && paidMs <= nowMs + AHEAD_MS_MAX) return paidMs
    return paidMs < nowMs ? nowMs - CREDIT_MS : nowMs
  }
}
