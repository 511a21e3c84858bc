import type { SocketAddress } from '../base/address.js'
import type { PollMechanism } from '../base/poll-mechanism.js'
import type { CellFds } from '../cells/cells.js'
import type { Shape } from '../cells/layout.js'
import type { SocketKind } from '../kernel/socket-kind.js'
import type { FrameRules } from './link.js'
import type { TicketKey } from './ticket-keys.js'

/**
 * What our master and our child tell each other beside the classic wire. Plain data: it travels as JSON, with
 * bytes as base64. Who does not know a message ignores it.
 */
export type ToChild<Snapshot, Accepting = unknown, Tls = unknown> =
  | ({ readonly kind: 'start' } & ChildStart<Snapshot, Accepting, Tls>)
  | { readonly kind: 'addresses'; readonly remoteSlot: number; readonly addresses: readonly SocketAddress[] }
  /** Accept clients, on the listeners that came with `start`. */
  | { readonly kind: 'accept' }
  /** Accept no more, and end when the last session has; who waits at an abandoned listener is taken first. */
  | { readonly kind: 'drain'; readonly abandoned: readonly number[] }
  /** What session tickets are closed with from now on (the first one) and opened with (all of them). */
  | { readonly kind: 'ticket-keys'; readonly keys: readonly TicketKey[] }
  /** A newer OCSP response for the certificates with this id; undefined: none any more. */
  | { readonly kind: 'staple'; readonly id: string; readonly staple?: Uint8Array | undefined }
  /** Answered by `pong`, by the reactor: a child that hangs answers nothing. */
  | { readonly kind: 'ping' }
  /** Reset what is left and end. */
  | { readonly kind: 'cut' }

/** What a child starts with: all that the master has read, so that it need not be allowed to read it. */
export interface ChildStart<Snapshot, Accepting, Tls> {
  readonly slot: number
  readonly shape: Shape
  /** The slot of each remote in the shared memory, in the order of the configuration. */
  readonly remoteSlots: readonly number[]
  readonly snapshot: Snapshot
  /** What TLS needs, keys and certificates included. */
  readonly tls: Tls
  /** For session tickets, the present one first. */
  readonly ticketKeys: readonly TicketKey[]
  /** OCSP responses that were fetched, by the ids that `tls` has for them. */
  readonly staples: readonly (readonly [id: string, staple: Uint8Array])[]
  readonly environment: readonly (readonly [name: string, value: string])[]
  /** How reactors wait; the master's choice, whatever the configuration has come to say. */
  readonly mechanism: PollMechanism
  /** The section that the child reads. */
  readonly sectionId: string
  readonly listenerNames: readonly string[]
  /** The slot of each listener in the shared memory, in the order of the configuration. */
  readonly listenerSlots: readonly number[]
  /** What the listeners are, by slot. */
  readonly listenerKinds: readonly SocketKind[]
  /** Their realms, by slot. */
  readonly realms: readonly string[]
  /** Which of the ports of its `listen` block each listener has, counted from 0. */
  readonly portIndexes: readonly number[]
  /** Which of them are of Multipath TCP. */
  readonly mptcpListeners: readonly boolean[]
  readonly traceMask: number
  /** Known addresses of named remotes, by slot. */
  readonly addresses: readonly (readonly [remoteSlot: number, addresses: readonly SocketAddress[]])[]
  /** What a child has to know that accepts by itself; undefined: clients come over the wire. */
  readonly accepting: (Accepting & { readonly listeners: readonly HandedListener[] }) | undefined
}

/** A listening socket of the master's that the child has a copy of. */
export interface HandedListener {
  readonly slot: number
  readonly fd: number
  readonly socketKind: SocketKind
}

export type ToMaster =
  /** The child's log ring has lines and its reader sleeps. */
  | { readonly kind: 'log' }
  /** It has started. */
  | { readonly kind: 'serving' }
  /** It takes no more clients, by its own decision. */
  | { readonly kind: 'retiring' }
  /** The answer to `ping`. */
  | { readonly kind: 'pong' }

/** Each message of a child's by its kind. There is nothing else in them. */
const MESSAGES: ReadonlyMap<unknown, ToMaster> = new Map(
  (['log', 'serving', 'retiring', 'pong'] as const).map((kind) => [kind, { kind }]),
)

/**
 * What a master takes from a child, which may have been taken over and send anything. A child of ours sends frames of 18
 * bytes at most, and 50 of them in a second when it logs without pause.
 */
export const FROM_CHILD: FrameRules<ToMaster> = {
  frameBytesMax: 256,
  framesPerSecondMax: 1_000,
  decode(text) {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    return 'kind' in value ? MESSAGES.get(value.kind) : undefined
  },
}

/** Descriptors of a child with a link, by the original's standards beside the wire on 0. */
export const LINK_FD = 3
/** The memory that the head writes, that all children write, and that this child alone writes (`cells/layout.ts`). */
export const CELLS_FDS: CellFds = { head: 4, common: 5, own: 6 }
/** Of a child that accepts by itself: the descriptor that wakes all of them, and the listeners. */
export const WAKEUP_FD = 7
export const FIRST_LISTENER_FD = 8

/** Set to '1' for a child that has a link. */
export const LINK_VARIABLE = 'TCPRELAY_LINK'
