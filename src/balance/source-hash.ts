/**
 * The policy `source`: a client's key determines the remote, in proportion to the weights, while that one is
 * usable.
 */
import { BoundedLoad } from './bounded-load.js'
import { Candidates } from './candidates.js'
import type { HashingOptions } from './hashing-options.js'
import type { Policy, PoolView } from './policy.js'
import { rendezvous, slotSeeds } from './rendezvous.js'
import type { SlotRange } from './slot-range.js'
import type { SlotSet } from './slot-set.js'

/** Computes a hash per remote and client. `maglev` costs the same for any number of remotes, and moves a few more clients. */
export class SourceHash implements Policy {
  readonly #candidates: Candidates
  readonly #seeds: ArrayLike<number>
  readonly #bound: BoundedLoad

  constructor(range: SlotRange, { boundedLoad = Infinity, seeds = slotSeeds(range) }: HashingOptions = {}) {
    this.#candidates = new Candidates(range)
    this.#seeds = seeds
    this.#bound = new BoundedLoad(boundedLoad)
  }

  pick(view: PoolView, tried: SlotSet): number {
    this.#candidates.collect(view, tried)
    this.#bound.measure(view, this.#candidates)
    return rendezvous(view, this.#candidates, this.#seeds, view.weight, this.#bound)
  }
}
