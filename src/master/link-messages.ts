import type { SocketAddress } from '../base/address.js'
import type { Shape } from '../cells/layout.js'

/**
 * What our master and our child tell each other beside the classic wire. Plain data: it travels as JSON, with
 * bytes as base64. Who does not know a message ignores it.
 */
export type ToChild<Snapshot> =
  | ({ readonly kind: 'start' } & ChildStart<Snapshot>)
  | { readonly kind: 'addresses'; readonly remoteSlot: number; readonly addresses: readonly SocketAddress[] }
  /** Reset what is left and end. */
  | { readonly kind: 'cut' }

/** What a child starts with: all that the master has read, so that it need not be allowed to read it. */
export interface ChildStart<Snapshot> {
  readonly slot: number
  readonly shape: Shape
  readonly snapshot: Snapshot
  readonly environment: readonly (readonly [name: string, value: string])[]
  /** The section that the child reads. */
  readonly sectionId: string
  readonly listenerNames: readonly string[]
  /** Which of the listeners are Unix sockets. */
  readonly unixListeners: readonly boolean[]
  readonly traceMask: number
  /** Known addresses of named remotes, by slot. */
  readonly addresses: readonly (readonly [remoteSlot: number, addresses: readonly SocketAddress[]])[]
}

export type ToMaster =
  /** The child's log ring has lines and its reader sleeps. */
  { readonly kind: 'log' } | { readonly kind: 'serving' }

/** Descriptors of a child with a link, by the original's standards beside the wire on 0. */
export const LINK_FD = 3
export const CELLS_FD = 4

/** Set to '1' for a child that has a link. */
export const LINK_VARIABLE = 'TCPRELAY_LINK'
