/**
 * Weighted rendezvous hashing: among candidates the one with the lowest score for a key. A candidate that comes or goes
 * moves only the keys that it gets or had.
 */
import type { BoundedLoad } from './bounded-load.js'
import type { Candidates } from './candidates.js'
import { fractionOf, hashWord } from './hash.js'
import { NONE, type PoolView } from './policy.js'
import type { SlotRange } from './slot-range.js'

/**
 * The score -ln(hash) / weight is exponentially distributed with the weight as its rate, so each candidate has the
 * lowest one in proportion to its weight. `seeds` and `shares` (the weights to use) are by slot; a candidate whose share is
 * 0 is never chosen.
 */
export function rendezvous(
  view: PoolView,
  { count, slots }: Candidates,
  seeds: ArrayLike<number>,
  shares: ArrayLike<number>,
  bound: BoundedLoad,
): number {
  // Half of all unsigned keys are too large for an argument without a heap object.
  const key = view.key | 0
  let best = NONE
  let bestScore = Infinity
  for (let i = 0; i < count; i++) {
    const slot = slots[i] as number
    const share = shares[slot] as number
    const fraction = fractionOf(hashWord(key, seeds[slot] as number))
    // -ln(x) is at least 1 - x: spares most candidates the logarithm.
    if (1 - fraction >= bestScore * share || !bound.hasRoom(view, slot)) continue
    const score = -Math.log(fraction) / share
    if (score >= bestScore) continue
    best = slot
    bestScore = score
  }
  return best
}

/** Seeds where the owner of a policy names none: a remote is identified by its slot. */
export function slotSeeds({ count, first }: SlotRange): Int32Array {
  return Int32Array.from({ length: first + count }, (_, slot) => hashWord(slot, 0))
}
