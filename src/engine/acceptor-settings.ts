import type { Overload } from '../accept/connection-limit.js'
import type { QueueLengths } from '../accept/listener.js'
import type { PlacementLimits } from '../accept/placement.js'
import type { StickyOptions } from '../accept/sticky-cache.js'
import type { AccessTable } from '../admission/access-list.js'
import type { IdentityRule } from '../admission/identity-list.js'
import type { PollMechanism } from '../base/poll-mechanism.js'
import type { CellFds } from '../cells/cells.js'
import type { Shape } from '../cells/layout.js'
import type { SocketOptions } from '../kernel/socket-options.js'
import type { AcceptMessage } from '../wire/child-message.js'

/** Everything a master's reactor needs, as plain data that can cross to its thread. */
export interface AcceptorSettings {
  /** The master's own: its counters and its log ring. */
  readonly cells: { readonly fds: CellFds; readonly shape: Shape }
  /** Where it counts per listener; undefined: nowhere. */
  readonly front: FrontRows | undefined
  readonly listeners: readonly AcceptorListener[]
  readonly limits: PlacementLimits
  /** Clients that a child gets in all. Zero: no limit. */
  readonly retireLimit: number
  readonly overload: Overload
  readonly wireBufferBytes: number
  /** The common sticky cache; undefined for none. */
  readonly sticky: StickyOptions | undefined
  readonly accessTable: AccessTable
  readonly identityRules: readonly IdentityRule[]
  /** Rejected clients are written to the access log. */
  readonly hasAccessLog: boolean
  readonly traceMask: number
  /** How it waits for descriptors. */
  readonly mechanism: PollMechanism
}

/** Rows of the cells that the children of one configuration share, for the master that accepts for them. */
export interface FrontRows {
  readonly cells: { readonly fds: CellFds; readonly shape: Shape }
  /** Its rows are those of a child that there is not. */
  readonly childSlot: number
  /** Rows of its listeners, in the order of the configuration. */
  readonly listenerSlots: readonly number[]
}

export interface AcceptorListener {
  readonly name: string
  /** What children hear of each of its connections. */
  readonly message: AcceptMessage
  readonly queue: QueueLengths
  /** Of a listener of UDP: what the sockets of its clients have. Undefined for others. */
  readonly datagramSockets: SocketOptions | undefined
  /** Listeners of one block have the same number. */
  readonly block: number
  /** The sticky cache of its block; undefined for the common one. */
  readonly sticky: StickyOptions | undefined
}

/** What the control thread tells the master's reactor. */
export type AcceptorCommand =
  /** Answered by `pong`: a reactor that hangs answers nothing. */
  | { readonly kind: 'ping' }
  | { readonly kind: 'listen'; readonly slot: number; readonly fd: number }
  /** The process of a child has ended. */
  | { readonly kind: 'gone'; readonly slot: number }
  /** Children of another configuration are to be opened; `prepared` answers. */
  | { readonly kind: 'prepare'; readonly count: number }
  /** Nothing comes of the other configuration. */
  | { readonly kind: 'forget' }
  /** Another configuration: listeners that stay have another slot there; new ones follow by `listen`. */
  | {
      readonly kind: 'reload'
      readonly settings: AcceptorSettings
      readonly kept: readonly (readonly [oldSlot: number, newSlot: number])[]
    }
  /** Accept no more; children end when they are idle. */
  | { readonly kind: 'drain' }
  /** Clients that have no child yet are reset. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'stop' }

export type AcceptorReport =
  | { readonly kind: 'pong' }
  | { readonly kind: 'log' }
  | { readonly kind: 'serving' }
  /** A child is to be started; `fd` is its end of the wire and the receiver's to close, undefined for none. */
  | {
      readonly kind: 'wanted'
      readonly slot: number
      readonly fd: number | undefined
      readonly isFresh: boolean
    }
  /** The child of a slot has said that it takes clients. */
  | { readonly kind: 'started'; readonly slot: number }
  /** Draining, and there is no child left. */
  | { readonly kind: 'idle' }
  /** The children of the other configuration have started, or could not. */
  | { readonly kind: 'prepared'; readonly isOk: boolean }
  /** The other configuration is in force. */
  | { readonly kind: 'reloaded' }
  | { readonly kind: 'bad-configuration'; readonly slot: number }
  /** The child of a slot has sent what no child sends. */
  | { readonly kind: 'violation'; readonly slot: number; readonly what: string }
