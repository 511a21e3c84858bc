/**
 * Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam 2016): a remote whose sessions exceed its share
 * by a factor passes new clients on, so that one popular key does not overload its remote.
 */
import type { Candidates } from './candidates.js'
import type { PoolView } from './policy.js'
import { useOf } from './use-of.js'

export class BoundedLoad {
  readonly #factor: number
  /** Sessions that each unit of weight may have now. */
  #perWeight = Infinity

  /** `factor`: at least 1, so that one of the candidates always has room. Infinity: no limit. */
  constructor(factor: number) {
    this.#factor = factor
  }

  get isLimited(): boolean {
    return this.#factor !== Infinity
  }

  /** Computes the limits of these candidates, for one client more than there are. */
  measure(view: PoolView, { count, slots }: Candidates): void {
    if (!this.isLimited) return
    let sessions = 1
    let weights = 0
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number
      sessions += useOf(view, slot)
      weights += view.weight[slot] as number
    }
    this.#perWeight = (this.#factor * sessions) / weights
  }

  /** Whether a candidate stays within its limit with one session more. */
  hasRoom(view: PoolView, slot: number): boolean {
    if (!this.isLimited) return true
    return useOf(view, slot) < Math.ceil(this.#perWeight * (view.weight[slot] as number))
  }
}
