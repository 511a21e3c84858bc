/** The policy `least use`, the original's: the lowest number of sessions in proportion to the weight. */
import type { PolicyMemory } from '../cells/policy-memory.js'
import { NONE, type Policy, type PoolView } from './policy.js'
import { amountOf } from './shared-numbers.js'
import type { SlotSet } from './slot-set.js'
import { useOf } from './use-of.js'

/** The virtual time before the first turn; a turn of 0 is none. */
const FIRST_TURN = 1

/** After the last turn all begin anew: it must be small enough for the fractions of large weights. */
const LAST_TURN = 2 ** 20

/**
 * Ties are broken by the virtual time of weighted fair queueing: a remote is due 1/weight after its last turn, and the
 * one that is due first is chosen, so that short connections that never overlap are shared by weight too. A remote that
 * was down does not catch up on missed turns. The turns are those of all workers: a new one goes on where the others are.
 */
export class LeastUse implements Policy {
  readonly #turns: Float64Array
  /** The turn of the remote that was chosen last. A field, because a number that a function returns may be allocated. */
  #dueTurn = 0

  constructor({ turns }: PolicyMemory) {
    this.#turns = turns
  }

  pick(view: PoolView, tried: SlotSet): number {
    const slot = this.peek(view, tried)
    if (slot !== NONE) this.#takeTurn(view, slot)
    return slot
  }

  /**
   * Compares use divided by weight; both sides are multiplied by both weights, which avoids the divisions. A turn that is
   * overdue counts as the present one, the latest of all remotes.
   */
  peek(view: PoolView, tried: SlotSet): number {
    const { members, weight } = view
    const presentTurn = this.#presentTurn(view)
    let best = NONE
    let bestTurn = 0
    for (let i = 0; i < members.length; i++) {
      const slot = members[i] as number
      if (tried.has(slot) || !view.isUsable(slot)) continue
      const last = amountOf(this.#turns[slot] as number, LAST_TURN)
      const turn = last === 0 ? presentTurn : Math.max(last + 1 / (weight[slot] as number), presentTurn)
      if (best !== NONE) {
        const load = useOf(view, slot) * (weight[best] as number)
        const other = useOf(view, best) * (weight[slot] as number)
        if (load > other || (load === other && turn >= bestTurn)) continue
      }
      best = slot
      bestTurn = turn
    }
    this.#dueTurn = bestTurn
    return best
  }

  #presentTurn({ members }: PoolView): number {
    let present = FIRST_TURN
    for (let i = 0; i < members.length; i++) {
      present = Math.max(present, amountOf(this.#turns[members[i] as number] as number, LAST_TURN))
    }
    return present
  }

  #takeTurn({ members }: PoolView, slot: number): void {
    let turn = this.#dueTurn
    if (turn > LAST_TURN) {
      // All of them: a remote that began anew alone would be due before the others for ever.
      for (let i = 0; i < members.length; i++) this.#turns[members[i] as number] = 0
      turn = FIRST_TURN
    }
    this.#turns[slot] = turn
  }
}
