import type { SlotSet } from './slot-set.js'

/** No remote fits. */
export const NONE = -1
/** One would fit, but for its number of sessions. */
export const FULL = -2

/** What a policy may know of a pool. */
export interface PoolView {
  /** Slots of its remotes. */
  readonly members: ArrayLike<number>
  /** Sessions by slot, of all workers; any of them may have written nonsense. */
  readonly use: ArrayLike<number>
  /** Share of the load by slot, relative to its siblings; at least 1. */
  readonly weight: ArrayLike<number>
  /** May it be tried now? */
  isUsable(slot: number): boolean
}

/** Who of a pool is next. */
export interface Policy {
  /** The best usable remote that is not in `tried`, or NONE. Looks at each remote once; allocates nothing. */
  pick(view: PoolView, tried: SlotSet): number
  /** Goes on where a policy of the same kind stood; `slots`: by slot here, the slot there, or NONE. */
  continueFrom(before: Policy, slots: readonly number[]): void
}
