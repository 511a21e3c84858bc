/** The policy `least-connections`: the fewest sessions in proportion to the weight, random among equals. */
import { LowestCost } from './lowest-cost.js'
import type { Policy, PoolView } from './policy.js'
import type { SlotSet } from './slot-set.js'
import { useOf } from './use-of.js'

/**
 * Differs from `least-use` in ties only: these are random in proportion to the weight here, and turns there. It has no
 * state that workers could have in common.
 */
export class LeastConnections implements Policy {
  readonly #lowest = new LowestCost()

  pick(view: PoolView, tried: SlotSet): number {
    const lowest = this.#lowest
    lowest.begin()
    for (let i = 0; i < view.members.length; i++) {
      const slot = view.members[i] as number
      if (tried.has(slot) || !view.isUsable(slot)) continue
      lowest.offer(view, slot, useOf(view, slot) / (view.weight[slot] as number))
    }
    return lowest.slot
  }
}
