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
  /** The virtual time of this choice: the latest turn of all remotes. */
  #presentTurn = FIRST_TURN

  constructor({ turns }: PolicyMemory) {
    this.#turns = turns
  }

  pick(view: PoolView, tried: SlotSet): number {
    const slot = this.peek(view, tried)
    if (slot !== NONE) this.#takeTurn(view, slot)
    return slot
  }

  peek(view: PoolView, tried: SlotSet): number {
    this.#findPresentTurn(view)
    let best = NONE
    for (let i = 0; i < view.members.length; i++) {
      const slot = view.members[i] as number
      if (tried.has(slot) || !view.isUsable(slot)) continue
      if (best === NONE || this.#isBetter(view, slot, best)) best = slot
    }
    return best
  }

  /**
   * Compares use divided by weight; both sides are multiplied by both weights, which avoids the divisions.
   */
  #isBetter(view: PoolView, slot: number, than: number): boolean {
    const load = useOf(view, slot) * (view.weight[than] as number)
    const other = useOf(view, than) * (view.weight[slot] as number)
    return load < other || (load === other && this.#dueTurn(view, slot) < this.#dueTurn(view, than))
  }

  #findPresentTurn({ members }: PoolView): void {
    let present = FIRST_TURN
    for (let i = 0; i < members.length; i++) present = Math.max(present, this.#turnOf(members[i] as number))
    this.#presentTurn = present
  }

  #takeTurn(view: PoolView, slot: number): void {
    let turn = this.#dueTurn(view, slot)
    if (turn > LAST_TURN) {
      // All of them: a remote that began anew alone would be due before the others for ever.
      for (let i = 0; i < view.members.length; i++) this.#turns[view.members[i] as number] = 0
      turn = FIRST_TURN
    }
    this.#turns[slot] = turn
  }

  /** A turn that is overdue counts as the present one. */
  #dueTurn({ weight }: PoolView, slot: number): number {
    const turn = this.#turnOf(slot)
    if (turn === 0) return this.#presentTurn
    return Math.max(turn + 1 / (weight[slot] as number), this.#presentTurn)
  }

  /** Of its last turn; 0 if there was none. */
  #turnOf(slot: number): number {
    return amountOf(this.#turns[slot] as number, LAST_TURN)
  }
}
