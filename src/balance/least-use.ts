/** The policy `least use`, the original's: the lowest number of sessions in proportion to the weight. */
import { NONE, type Policy, type PoolView } from './policy.js'
import { SlotNumbers, type SlotRange } from './slot-numbers.js'
import type { SlotSet } from './slot-set.js'
import { useOf } from './use-of.js'

/**
 * Ties are broken by the virtual time of weighted fair queueing: the remote with the earliest turn is chosen, and its
 * next turn is 1/weight later, so that short connections that never overlap are shared by weight too. A remote that
 * was down does not catch up on missed turns.
 */
export class LeastUse implements Policy {
  readonly #turns: SlotNumbers
  /** The virtual time: the turn of the remote that was chosen last. */
  #presentTurn = 0

  constructor(range: SlotRange) {
    this.#turns = new SlotNumbers(range)
  }

  pick(view: PoolView, tried: SlotSet): number {
    let best = NONE
    for (let i = 0; i < view.members.length; i++) {
      const slot = view.members[i] as number
      if (tried.has(slot) || !view.isUsable(slot)) continue
      if (best === NONE || this.#isBetter(view, slot, best)) best = slot
    }
    if (best !== NONE) this.#takeTurn(best, view.weight[best] as number)
    return best
  }

  peek(view: PoolView, tried: SlotSet): number {
    const [turns, presentTurn] = [this.#turns.copy(), this.#presentTurn]
    const slot = this.pick(view, tried)
    this.#turns.restore(turns)
    this.#presentTurn = presentTurn
    return slot
  }

  continueFrom(before: Policy, slots: readonly number[]): void {
    if (!(before instanceof LeastUse)) return
    // A turn in the past counts as the present one.
    this.#turns.continueFrom(before.#turns, slots, before.#presentTurn)
    this.#presentTurn = before.#presentTurn
  }

  /**
   * Compares use divided by weight; both sides are multiplied by both weights, which avoids the divisions.
   */
  #isBetter(view: PoolView, slot: number, than: number): boolean {
    const load = useOf(view, slot) * (view.weight[than] as number)
    const other = useOf(view, than) * (view.weight[slot] as number)
    return load < other || (load === other && this.#turn(slot) < this.#turn(than))
  }

  #turn(slot: number): number {
    return Math.max(this.#turns.get(slot), this.#presentTurn)
  }

  #takeTurn(slot: number, weight: number): void {
    const turn = this.#turn(slot)
    this.#presentTurn = turn
    this.#turns.set(slot, turn + 1 / weight)
  }
}
