/** The messages between a master of ours and its children, and the descriptors that a child starts with. */
import { clientServerName } from '../base/server-name.js'
import type { CellFds } from '../cells/cells.js'
import type { SocketKind } from '../kernel/socket-kind.js'
import type { FrameRules } from './link.js'

/**
 * What a master sends beside the classic wire, by `v8.serialize`: a child trusts its master. `Start` is the content of
 * `start`, `Change` a change of the live state, `Answer` what the head says about a host. A child ignores unknown messages.
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

/** A listening socket of the master; the child has a duplicate. */
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
  /** It has stopped accepting by its own decision. Shared listeners stay open until `drain`. */
  | { readonly kind: 'retiring' }
  /** The answer to `ping`. */
  | { readonly kind: 'pong' }
  /** A client asks for this host; answered by `host`. */
  | { readonly kind: 'resolve'; readonly token: number; readonly pool: number; readonly name: string }

/** The messages of a child without content, by kind. */
const MESSAGES: ReadonlyMap<unknown, ToMaster> = new Map(
  (['log', 'serving', 'retiring', 'pong'] as const).map((kind) => [kind, { kind }]),
)

/**
 * What a master accepts from a child, which may be compromised and send anything. A child of ours sends frames of at most
 * 350 bytes: a name has 253. In a second it sends at most 50 when it logs without pause, and asks for at most 500 hosts.
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

/** Descriptors of a child with a link; the wire is 0, as in the classic protocol. */
export const LINK_FD = 3
/**
 * Memory that the head writes, that all children write, and that only this child writes (`cells/layout.ts`).
 */
export const CELLS_FDS: CellFds = { head: 4, common: 5, own: 6 }
/** For a child that accepts by itself: the descriptor that wakes all of them, and the first listener. */
export const WAKEUP_FD = 7
export const FIRST_LISTENER_FD = 8

/** Set to '1' for a child that has a link. */
export const LINK_VARIABLE = 'TCPRELAY_LINK'
