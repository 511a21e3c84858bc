/** The policy `round-robin`: remotes take turns, each as often as its weight says, regardless of their sessions. */
import { NONE, type Policy, type PoolView } from './policy.js'
import { SlotNumbers, type SlotRange } from './slot-numbers.js'
import type { SlotSet } from './slot-set.js'

/**
 * Smooth weighted round robin as in nginx: weights 5, 1, 1 give a a b a c a a, not five clients in a row. Each pick
 * credits every candidate with its weight, and debits the chosen one with the sum.
 */
export class RoundRobin implements Policy {
  readonly #credits: SlotNumbers

  constructor(range: SlotRange) {
    this.#credits = new SlotNumbers(range)
  }

  pick(view: PoolView, tried: SlotSet): number {
    const credits = this.#credits
    let best = NONE
    let sum = 0
    for (let i = 0; i < view.members.length; i++) {
      const slot = view.members[i] as number
      if (tried.has(slot) || !view.isUsable(slot)) continue
      const weight = view.weight[slot] as number
      sum += weight
      credits.set(slot, credits.get(slot) + weight)
      if (best === NONE || credits.get(slot) > credits.get(best)) best = slot
    }
    if (best !== NONE) credits.set(best, credits.get(best) - sum)
    return best
  }

  peek(view: PoolView, tried: SlotSet): number {
    const credits = this.#credits.copy()
    const slot = this.pick(view, tried)
    this.#credits.restore(credits)
    return slot
  }

  continueFrom(before: Policy, slots: readonly number[]): void {
    if (before instanceof RoundRobin) this.#credits.continueFrom(before.#credits, slots)
  }
}
