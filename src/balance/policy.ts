/** The contract between a pool and its policy. */
import type { SlotSet } from './slot-set.js'

/** No remote is usable. */
export const NONE = -1
/** A remote would be usable, but has as many sessions as it may. */
export const FULL = -2

/** What a policy sees of a pool. */
export interface PoolView {
  /** Slots of the pool's remotes. */
  readonly members: ArrayLike<number>
  /** Sessions by slot, of all workers; a compromised worker may have written any value. */
  readonly use: ArrayLike<number>
  /** Share of the load by slot, relative to its siblings; at least 1. */
  readonly weight: ArrayLike<number>
  /** Whether it may be tried now. */
  isUsable(slot: number): boolean
}

/** Chooses the next remote of a pool. */
export interface Policy {
  /** The best usable remote that is not in `tried`, or NONE. Looks at each remote once; allocates nothing. */
  pick(view: PoolView, tried: SlotSet): number
  /** Takes over the state of a policy of the same kind; `slots`: by slot here, the slot there, or NONE. */
  continueFrom(before: Policy, slots: readonly number[]): void
}
