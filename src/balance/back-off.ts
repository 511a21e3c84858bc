/** How long a remote is skipped after failed attempts: exponential back-off with jitter. */
import type { RandomSource } from './random-source.js'

/** The numbers of a pool. */
export interface BackOffNumbers {
  /** After the first failure; each further one doubles it. Zero: none. */
  readonly firstMs: number
  readonly maxMs: number
  /** Each back-off is shortened at random by up to this share, 0 to 1. */
  readonly jitter: number
}

/** Of remotes in no pool. Tests use it too, so it has no jitter. */
export const DEFAULT_BACK_OFF: BackOffNumbers = { firstMs: 1_000, maxMs: 30_000, jitter: 0 }

/** With these a millisecond exceeds the longest time that can be configured. */
const DOUBLINGS_MAX = 41

export class BackOff {
  /** By slot; undefined: the default. */
  readonly #ofSlots: readonly (BackOffNumbers | undefined)[]
  readonly #random: RandomSource

  constructor(ofSlots: readonly (BackOffNumbers | undefined)[], random: RandomSource) {
    this.#ofSlots = ofSlots
    this.#random = random
  }

  /** After this many failures in a row, at least 1. */
  timeMs(slot: number, failures: number): number {
    const { firstMs, jitter, maxMs } = this.#ofSlots[slot] ?? DEFAULT_BACK_OFF
    const doublings = Math.min(failures - 1, DOUBLINGS_MAX)
    return Math.min(firstMs * 2 ** doublings, maxMs) * (1 - jitter * this.#random.next())
  }
}
