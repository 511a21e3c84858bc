/** The policy `round-robin`: remotes take turns, each as often as its weight says, regardless of their sessions. */
import { NONE, type Policy, type PoolView } from './policy.js'
import type { SlotSet } from './slot-set.js'

/**
 * Smooth weighted round robin as in nginx: weights 5, 1, 1 give a a b a c a a, not five clients in a row. Each pick
 * credits every candidate with its weight, and debits the chosen one with the sum.
 */
export class RoundRobin implements Policy {
  readonly #credits: Float64Array

  /** `slots`: the number of slots of all pools together. */
  constructor(slots: number) {
    this.#credits = new Float64Array(slots)
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
      credits[slot] = (credits[slot] as number) + weight
      if (best === NONE || (credits[slot] as number) > (credits[best] as number)) best = slot
    }
    if (best !== NONE) credits[best] = (credits[best] as number) - sum
    return best
  }

  peek(view: PoolView, tried: SlotSet): number {
    const credits = this.#credits.slice()
    const slot = this.pick(view, tried)
    this.#credits.set(credits)
    return slot
  }

  continueFrom(before: Policy, slots: readonly number[]): void {
    if (!(before instanceof RoundRobin)) return
    for (const [slot, there] of slots.entries()) {
      this.#credits[slot] = there === NONE ? 0 : (before.#credits[there] as number)
    }
  }
}
