/** What a reactor asks the head about hosts of dynamic routes, and its answers, as plain data. */
import type { HostLiteral } from '../base/address.js'

/** Maximum of open questions of a reactor. */
export const LOOKUPS_OPEN_MAX = 250

export interface HostQuestion {
  readonly token: number
  /** Slot of the generation's rows in the cells. */
  readonly childSlot: number
  /** Index of the dynamic route's pool in the plan. */
  readonly pool: number
  /** As `clientServerName` returns it. */
  readonly name: string
}

/** What the head says about a name. */
export interface HostAnswer {
  /** Those that may be connected to, in the order of attempts; empty: `reason` says why. */
  readonly addresses: readonly HostLiteral[]
  readonly reason: 'name-not-resolved' | 'address-not-allowed' | undefined
  /** Details of the reason for the access log; '' without one. */
  readonly cause: string
  /** How long the answer may be used. */
  readonly ttlMs: number
}

/** An answer, by the token of its question. */
export type HostReply = readonly [token: number, answer: HostAnswer]
