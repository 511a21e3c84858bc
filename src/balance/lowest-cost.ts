/**
 * The choice of a policy that compares costs: the lowest one wins, and among equals each wins with a probability in
 * proportion to its weight. Random, because workers that count the same sessions would otherwise agree on one remote.
 */
import { NONE, type PoolView } from './policy.js'

export class LowestCost {
  /** The slot of the lowest cost so far, or NONE. */
  slot = NONE
  #cost = Infinity
  /** Sum of the weights of all slots with this cost. */
  #weights = 0

  begin(): void {
    this.slot = NONE
    this.#cost = Infinity
    this.#weights = 0
  }

  offer(view: PoolView, slot: number, cost: number): void {
    const weight = view.weight[slot] as number
    if (this.slot === NONE || cost < this.#cost) {
      this.slot = slot
      this.#cost = cost
      this.#weights = weight
    } else if (cost === this.#cost) {
      this.#weights += weight
      if (view.random() * this.#weights < weight) this.slot = slot
    }
  }
}
