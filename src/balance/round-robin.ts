/** The policy `round-robin`: remotes take turns, each as often as its weight says, regardless of their sessions. */
import type { PolicyMemory } from '../cells/policy-memory.js'
import { NONE, type Policy, type PoolView } from './policy.js'
import type { SlotSet } from './slot-set.js'

/** No remote gets this many times the sum of the weights ahead or behind, unless the weights have changed. */
const ROUNDS_MAX = 2

/**
 * Smooth weighted round robin as in nginx: weights 5, 1, 1 give a a b a c a a, not five clients in a row. Each pick
 * credits every candidate with its weight, and debits the chosen one with the sum. The turns are those of all workers:
 * a new one goes on where the others are.
 */
export class RoundRobin implements Policy {
  readonly #credits: Float64Array

  constructor({ credits }: PolicyMemory) {
    this.#credits = credits
  }

  pick(view: PoolView, tried: SlotSet): number {
    return takeTurn(this.#credits, view, tried)
  }

  peek(view: PoolView, tried: SlotSet): number {
    return takeTurn(this.#credits.slice(), view, tried)
  }
}

function takeTurn(credits: Float64Array, view: PoolView, tried: SlotSet): number {
  const max = ROUNDS_MAX * sumOfWeights(view)
  let best = NONE
  let most = -Infinity
  let sum = 0
  for (let i = 0; i < view.members.length; i++) {
    const slot = view.members[i] as number
    if (tried.has(slot) || !view.isUsable(slot)) continue
    const weight = view.weight[slot] as number
    const credit = creditOf(credits[slot] as number, max) + weight
    sum += weight
    credits[slot] = credit
    if (credit <= most) continue
    best = slot
    most = credit
  }
  if (best !== NONE) credits[best] = most - sum
  return best
}

/** The credit may be that of heavier siblings in another pool, or whatever a compromised worker has written. */
function creditOf(written: number, max: number): number {
  return written >= -max && written <= max ? written : 0
}

function sumOfWeights({ members, weight }: PoolView): number {
  let sum = 0
  for (let i = 0; i < members.length; i++) sum += weight[members[i] as number] as number
  return sum
}
