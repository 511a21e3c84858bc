/**
 * Values that change while a plan is in force: plain data, written by the head only. docs/architecture.md describes how
 * it reaches the reactors. It contains key material: never log it.
 */
import type { AccessPlan } from '../admission/rule-list-plan.js'
import type { AdminState } from '../balance/remote-health.js'
import type { SocketAddress } from '../base/address.js'
import type { TicketKey } from '../tls/ticket-keys.js'

/** An admin state of a remote. */
export interface AdminStateSince {
  readonly state: AdminState
  /** When it began to drain, CLOCK_MONOTONIC; ignored if it is `ready`. */
  readonly sinceMs: number
}

/** A remote that discovery has found, in a slot of its pool. */
export interface LiveMember {
  readonly slot: number
  readonly name: string
  /** Under which the head knows its health. */
  readonly healthName: string
  readonly addresses: readonly SocketAddress[]
  readonly weight: number
  readonly tier: number
}

export interface LiveState {
  /** By slot of a named remote, from the first lookup on. */
  readonly addresses: ReadonlyMap<number, readonly SocketAddress[]>
  /** By remote slot. */
  readonly members: ReadonlyMap<number, LiveMember>
  /** By remote slot, if it differs from the plan; 0: no new clients. May be a fraction. */
  readonly weights: ReadonlyMap<number, number>
  /** By remote slot, if it is not `ready`. */
  readonly adminStates: ReadonlyMap<number, AdminStateSince>
  /** Session tickets are encrypted with the first key, and accepted with all of them. */
  readonly ticketKeys: readonly TicketKey[]
  /** OCSP responses by the `stapleId` of their certificates. */
  readonly staples: ReadonlyMap<string, Uint8Array>
  /** Undefined: that of the plan. */
  readonly access: AccessPlan | undefined
}

export type StateChange =
  /** `joined`: new ones, and those that have changed. `left`: their slots are empty. */
  | { readonly what: 'members'; readonly joined: readonly LiveMember[]; readonly left: readonly number[] }
  | { readonly what: 'addresses'; readonly remoteSlot: number; readonly addresses: readonly SocketAddress[] }
  | { readonly what: 'weight'; readonly remoteSlot: number; readonly weight: number }
  | ({ readonly what: 'admin-state'; readonly remoteSlot: number } & AdminStateSince)
  | { readonly what: 'ticket-keys'; readonly keys: readonly TicketKey[] }
  /** Undefined: the response has expired without a successor. */
  | { readonly what: 'staple'; readonly id: string; readonly staple: Uint8Array | undefined }
  | { readonly what: 'access'; readonly access: AccessPlan }

/** Of a new generation: every named remote is unreachable, and no tickets are issued. */
export const NO_LIVE_STATE: LiveState = {
  members: new Map(),
  addresses: new Map(),
  weights: new Map(),
  adminStates: new Map(),
  ticketKeys: [],
  staples: new Map(),
  access: undefined,
}

/** The state after a change. */
export function changed(state: LiveState, change: StateChange): LiveState {
  switch (change.what) {
    case 'members': {
      const { joined, left } = change
      // What was wanted of the last member in a slot is not wanted of the next one.
      const [weights, adminStates] = [without(state.weights, left), without(state.adminStates, left)]
      return { ...state, members: withMembers(state.members, joined, left), weights, adminStates }
    }
    case 'addresses':
      return { ...state, addresses: withEntry(state.addresses, change.remoteSlot, change.addresses) }
    case 'weight':
      return { ...state, weights: withEntry(state.weights, change.remoteSlot, change.weight) }
    case 'admin-state': {
      const { remoteSlot, sinceMs, state: adminState } = change
      const entry = { state: adminState, sinceMs }
      return { ...state, adminStates: withEntry(state.adminStates, remoteSlot, entry) }
    }
    case 'ticket-keys':
      return { ...state, ticketKeys: change.keys }
    case 'staple':
      return { ...state, staples: withEntry(state.staples, change.id, change.staple) }
    case 'access':
      return { ...state, access: change.access }
  }
}

/** The changes that lead from `NO_LIVE_STATE` to this state. */
export function changesOf(state: LiveState): readonly StateChange[] {
  const members = [...state.members.values()]
  return [
    ...(members.length === 0 ? [] : [{ what: 'members', joined: members, left: [] } as const]),
    ...[...state.addresses].map(([remoteSlot, addresses]) => {
      return { what: 'addresses', remoteSlot, addresses } as const
    }),
    ...[...state.weights].map(([remoteSlot, weight]) => ({ what: 'weight', remoteSlot, weight }) as const),
    ...[...state.adminStates].map(([remoteSlot, admin]) => {
      return { what: 'admin-state', remoteSlot, ...admin } as const
    }),
    { what: 'ticket-keys', keys: state.ticketKeys },
    ...[...state.staples].map(([id, staple]) => ({ what: 'staple', id, staple }) as const),
    ...(state.access === undefined ? [] : [{ what: 'access', access: state.access } as const]),
  ]
}

function withMembers(
  members: LiveState['members'],
  joined: readonly LiveMember[],
  left: readonly number[],
): LiveState['members'] {
  const copy = new Map(without(members, left))
  for (const member of joined) copy.set(member.slot, member)
  return copy
}

function without<V>(map: ReadonlyMap<number, V>, slots: readonly number[]): ReadonlyMap<number, V> {
  return new Map([...map].filter(([slot]) => !slots.includes(slot)))
}

/** A copy: a `LiveState` does not change. */
function withEntry<K, V>(map: ReadonlyMap<K, V>, key: K, value: V | undefined): ReadonlyMap<K, V> {
  const copy = new Map(map)
  if (value === undefined) copy.delete(key)
  else copy.set(key, value)
  return copy
}
