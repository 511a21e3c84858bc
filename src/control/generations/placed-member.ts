/** A member that discovery has found, with its slot and its addresses. */
import type { SocketAddress } from '../../base/address.js'

export interface PlacedMember {
  /** Among the slots of its pool. */
  readonly index: number
  readonly name: string
  /** Empty while its host name is not resolved. */
  readonly addresses: readonly SocketAddress[]
  /** Undefined: as the `remote` block in `discover` says. */
  readonly weight: number | undefined
  readonly tier: number | undefined
}

/** A change of the members of one pool, for every generation that has the pool. */
export interface PlacedChanges {
  /** New ones, and those that have changed. */
  readonly joined: readonly PlacedMember[]
  /** Indices of those that have left. */
  readonly left: readonly number[]
  /** Members have come or gone; otherwise only addresses, weights or tiers have changed. */
  readonly areOthers: boolean
}
