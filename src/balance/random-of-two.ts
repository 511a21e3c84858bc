/** The policy `random`: of two random remotes the one with fewer sessions in proportion to the weight. */
import { NONE, type Policy, type PoolView } from './policy.js'
import type { SlotSet } from './slot-set.js'
import { useOf } from './use-of.js'

/**
 * Power of two choices (Mitzenmacher): almost as even as the fewest sessions, but workers with stale numbers do not all
 * choose the same remote. Both remotes are drawn in proportion to the weight, without replacement: every candidate
 * draws an exponentially distributed time with its weight as the rate, and the two earliest are the ones drawn.
 */
export class RandomOfTwo implements Policy {
  pick(view: PoolView, tried: SlotSet): number {
    let first = NONE
    let second = NONE
    let firstAt = Infinity
    let secondAt = Infinity
    for (let i = 0; i < view.members.length; i++) {
      const slot = view.members[i] as number
      if (tried.has(slot) || !view.isUsable(slot)) continue
      const weight = view.weight[slot] as number
      const fraction = view.random()
      // -ln(1 - x) is at least x: spares most candidates the logarithm.
      if (fraction >= secondAt * weight) continue
      const at = -Math.log1p(-fraction) / weight
      if (at < firstAt) {
        second = first
        secondAt = firstAt
        first = slot
        firstAt = at
      } else if (at < secondAt) {
        second = slot
        secondAt = at
      }
    }
    return second !== NONE && isLessUsed(view, second, first) ? second : first
  }
}

function isLessUsed(view: PoolView, slot: number, than: number): boolean {
  return useOf(view, slot) * (view.weight[than] as number) < useOf(view, than) * (view.weight[slot] as number)
}
