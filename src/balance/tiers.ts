/**
 * Tiers of a pool: a tier gets clients while the better ones together have too few usable remotes. Says so for each
 * client anew, so clients go back to the better tiers as soon as these are usable again.
 */
import { UP } from '../base/verdict.js'
import type { PoolView } from './policy.js'
import type { RemoteHealth } from './remote-health.js'

export class Tiers {
  /** Slots in order of their tiers. */
  readonly #slots: Int32Array
  readonly #tiers: ArrayLike<number>
  readonly #minUsable: number

  /** `tiers`: by slot, the lower the better. `minUsable`: at least 1. */
  constructor(members: readonly number[], tiers: ArrayLike<number>, minUsable: number) {
    this.#slots = Int32Array.from([...members].sort((a, b) => tierOf(tiers, a) - tierOf(tiers, b)))
    this.#tiers = tiers
    this.#minUsable = minUsable
  }

  /**
   * The worst tier that gets clients. Mostly looks at as many remotes as must be usable. With `isProven`
   * only remotes count that have served since their last failure, in this worker and for the head.
   */
  worstInUse(
    { nowMs, weight }: Pick<PoolView, 'nowMs' | 'weight'>,
    health: RemoteHealth,
    isProven = false,
  ): number {
    let usable = 0
    for (let i = 0; i < this.#slots.length; i++) {
      const slot = this.#slots[i] as number
      if (weight[slot] === 0 || !health.isUsable(slot, nowMs)) continue
      if (isProven && (health.verdict[slot] !== UP || health.isFailing(slot))) continue
      if (++usable === this.#minUsable) return tierOf(this.#tiers, slot)
    }
    return Infinity
  }

  of(slot: number): number {
    return tierOf(this.#tiers, slot)
  }
}

/** Whether the members belong to different tiers. */
export function hasTiers(members: readonly number[], tiers: ArrayLike<number>): boolean {
  return members.some((slot) => tierOf(tiers, slot) !== tierOf(tiers, members[0] as number))
}

/** The members that get clients while all remotes are up, and those of their tiers whose weight is 0. */
export function regularMembers(
  members: ArrayLike<number>,
  tiers: ArrayLike<number>,
  weights: ArrayLike<number>,
  minUsable: number,
): number[] {
  const byTier = Array.from(members).sort((a, b) => tierOf(tiers, a) - tierOf(tiers, b))
  const worst = byTier.filter((slot) => weights[slot] !== 0)[minUsable - 1]
  return worst === undefined ? byTier : byTier.filter((slot) => tierOf(tiers, slot) <= tierOf(tiers, worst))
}

function tierOf(tiers: ArrayLike<number>, slot: number): number {
  return tiers[slot] as number
}
