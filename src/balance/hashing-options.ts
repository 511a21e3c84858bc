/** Options of the policies that choose a remote by the client's key. */
export interface HashingOptions {
  /**
   * By slot, a hash of what identifies the remote (its name or address), so that its clients stay with it when the
   * order of the configuration changes. @default a hash of the slot
   */
  readonly seeds?: ArrayLike<number>
  /** By slot, as in `PoolOptions`. @default all the same */
  readonly tiers?: ArrayLike<number>
  /** As in `PoolOptions`. @default 1 */
  readonly tierMinUsable?: number
  /** How many times its share of all sessions a remote may have before it passes clients on; at least 1. @default no limit */
  readonly boundedLoad?: number
}
