/** Lists of access rules as plain data, which crosses threads and the link. */
import type { AccessTable } from './access-table.js'
import type { IdentityRule } from './identity-list.js'
import type { RouteConditions } from './route-plan.js'
import type { RulePlace } from './rule-name.js'
import type { RuleVerdict } from './rule-verdict.js'

/** All lists of a configuration. A client has to pass each one that concerns it. */
export interface AccessPlan {
  readonly section: RuleListPlan
  /** By the number of their `listen` block; absent: it has no rules. */
  readonly listeners: ReadonlyMap<number, RuleListPlan>
  /** By the index of the route; absent: it has no rules. */
  readonly routes: ReadonlyMap<number, RuleListPlan>
}

/** The first rule that applies decides. */
export interface RuleListPlan {
  readonly steps: readonly RuleStep[]
  /** What happens to clients that no rule applies to, by their kind. */
  readonly ofIp: Otherwise
  readonly ofUnix: Otherwise
  /** The place of the route; undefined: it is a list of another kind. */
  readonly route?: RulePlace
}

export interface Otherwise {
  readonly isPermit: boolean
  /** The place of `default`. */
  readonly position?: RulePlace | undefined
}

/** Neighbouring rules of one kind. */
export type RuleStep =
  /** For IP clients. */
  | { readonly kind: 'addresses'; readonly table: AccessTable }
  /** For clients of Unix sockets. */
  | { readonly kind: 'identities'; readonly rules: readonly IdentityRule[] }
  /** For all clients. */
  | ({ readonly kind: 'condition'; readonly conditions: RouteConditions } & RuleVerdict)

export const NO_RULES: RuleListPlan = { steps: [], ofIp: { isPermit: true }, ofUnix: { isPermit: true } }

export const NO_ACCESS_RULES: AccessPlan = { section: NO_RULES, listeners: new Map(), routes: new Map() }
