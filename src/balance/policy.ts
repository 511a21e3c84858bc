/** The contract between a pool and its policy. */
import type { SlotSet } from './slot-set.js'

/** No remote is usable. */
export const NONE = -1
/** A remote would be usable, but has as many sessions as it may. */
export const FULL = -2
/** A remote is usable and has room. */
export const ROOM = -3

/** What a policy can read of a pool. */
export interface PoolView {
  /** Slots of the pool's remotes, in the order of the configuration. */
  readonly members: ArrayLike<number>
  /** Sessions by slot, of all workers; a compromised worker may have written any value. */
  readonly use: ArrayLike<number>
  /** Share of the load by slot, relative to its siblings. 0: no new clients, `isUsable` is false. */
  readonly weight: ArrayLike<number>
  /** Hash of what identifies the client, 32-bit unsigned: equal keys go to the same remote under the hashing policies. */
  readonly key: number
  /** When the client is served, CLOCK_MONOTONIC. */
  readonly nowMs: number
  /** Uniform in [0, 1). */
  random(): number
  /** Whether it may be tried now. */
  isUsable(slot: number): boolean
}

/** What a policy observes: the duration of successful connects in milliseconds, or transferred bytes. */
export type Observed = 'connect-ms' | 'bytes'

/**
 * Chooses the next remote of a pool. What it has learned of remotes is in memory that all workers share, so it survives
 * them; what it keeps itself is derived from the configuration.
 */
export interface Policy {
  /** What `observe` must be fed with; undefined: nothing. */
  readonly observes?: Observed
  /** The best usable remote that is not in `tried`, or NONE. Looks at each remote once; allocates nothing. */
  pick(view: PoolView, tried: SlotSet): number
  /** What `pick` would return, without changing the state; undefined: `pick` has none. May allocate. */
  peek?(view: PoolView, tried: SlotSet): number
  /** Records a measurement of a remote. Allocates nothing. */
  observe?(slot: number, amount: number, nowMs: number): void
  /** Members or weights of the pool have changed. */
  membersChanged?(): void
}
