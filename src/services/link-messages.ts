/** The messages between a master of ours and its children, and the descriptors that a child starts with. */
import { clientServerName } from '../base/server-name.js'
import type { CellFds } from '../cells/cells.js'
import type { SocketKind } from '../kernel/socket-kind.js'
import type { FrameRules } from './link.js'

/**
 * What a master sends beside the classic wire, by `v8.serialize`: a child trusts its master. `Start` is what a child starts
 * with, `Change` a change of the live state, `Answer` what the head says about a host. A child ignores messages that it does not know.
 */
export type ToChild<Start = unknown, Change = unknown, Answer = unknown> =
  | ({ readonly kind: 'start' } & Start)
  | { readonly kind: 'state'; readonly change: Change }
  /** Accept clients, on the listeners that came with `start`. */
  | { readonly kind: 'accept' }
  /** Stop accepting and end after the last session; clients queued at abandoned listeners are accepted first. */
  | { readonly kind: 'drain'; readonly abandoned: readonly number[] }
  /** The answer to `resolve`. */
  | { readonly kind: 'host'; readonly token: number; readonly answer: Answer }
  /** Answered by `pong`, by the reactor: a child that hangs answers nothing. */
  | { readonly kind: 'ping' }
  /** Reset what is left and end. */
  | { readonly kind: 'cut' }

/** A listening socket of the master's that the child has a copy of. */
export interface HandedListener {
  readonly slot: number
  readonly fd: number
  readonly socketKind: SocketKind
}

/** What a child sends: JSON, since the master does not trust it. */
export type ToMaster =
  /** The child's log ring has lines and its reader sleeps. */
  | { readonly kind: 'log' }
  /** It has started. */
  | { readonly kind: 'serving' }
  /** It takes no more clients, by its own decision. With listeners of the master's it keeps them open until `drain`. */
  | { readonly kind: 'retiring' }
  /** The answer to `ping`. */
  | { readonly kind: 'pong' }
  /** A client asks for this host; answered by `host`. */
  | { readonly kind: 'resolve'; readonly token: number; readonly pool: number; readonly name: string }

/** Messages of a child's without content, by their kinds. */
const MESSAGES: ReadonlyMap<unknown, ToMaster> = new Map(
  (['log', 'serving', 'retiring', 'pong'] as const).map((kind) => [kind, { kind }]),
)

/**
 * What a master takes from a child, which may have been taken over and send anything. A child of ours sends frames of 350
 * bytes at most: a name has 253. In a second it sends 50 when it logs without pause, and asks for 500 hosts at most.
 */
export const FROM_CHILD: FrameRules<ToMaster> = {
  frameBytesMax: 512,
  framesPerSecondMax: 1_000,
  decode(body) {
    const value: unknown = JSON.parse(body.toString())
    if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined
    return value.kind === 'resolve' ? resolveMessage(value) : MESSAGES.get(value.kind)
  },
}

/** Undefined unless the name is a host name in the form in which reactors ask for it. */
function resolveMessage(value: object): ToMaster | undefined {
  const { name, pool, token } = value as Readonly<Record<string, unknown>>
  if (typeof name !== 'string' || name === '' || clientServerName(name) !== name) return undefined
  return isIndex(pool) && isIndex(token) ? { kind: 'resolve', token, pool, name } : undefined
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
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
