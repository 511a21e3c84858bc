/** Options of the policies that choose a remote by the client's key. */
export interface HashingOptions {
  /**
   * By slot, a hash of what identifies the remote (its name or address), so that its clients stay with it when the
   * order of the configuration changes. @default a hash of the slot
   */
  readonly seeds?: ArrayLike<number>
  /** How many times its share of all sessions a remote may have before it passes clients on; at least 1. @default no limit */
  readonly boundedLoad?: number
}
