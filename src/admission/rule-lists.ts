/** The lists of access rules of a configuration, and which of them concern a client. */
import { ADMITS, type Answer, NO_ANSWER, REJECTS } from './access-table.js'
import type { RouteFacts } from './route-facts.js'
import { NEEDS_NOTHING } from './route-needs.js'
import { type RuleClient, RuleList } from './rule-list.js'
import type { AccessPlan, RuleListPlan } from './rule-list-plan.js'
import { ruleName } from './rule-name.js'
import { ZoneClock } from './zone-clock.js'

/** Whose list rejected a client, in the words of end reasons. */
export type ListOwner = 'rejected' | 'listener-rule' | 'route-rule'

/** A client was rejected. */
export interface RuleRefusal {
  readonly reason: ListOwner
  /** The rule of the section's list as `relay.cfg:12`, others with their list: `relay.cfg:12@listener`. */
  readonly rule: string
}

export class RuleLists {
  readonly #section: RuleList
  readonly #listeners: ReadonlyMap<number, RuleList>
  readonly #routes: ReadonlyMap<number, RuleList>
  readonly #routePlans: AccessPlan['routes']
  /** By slot. */
  readonly #blockOf: (listenerSlot: number) => number | undefined
  /** Undefined: that of the section rejected the last client. */
  #rejecting: 'section' | 'listener' | number = 'section'
  #rule = ''

  /** `blockOf`: the `listen` block of a listener. `wallMs`: milliseconds since 1970. */
  constructor(plan: AccessPlan, blockOf: (listenerSlot: number) => number | undefined, wallMs: () => number) {
    const zones = new ZoneClock()
    const listOf = (list: RuleListPlan) => new RuleList(list, zones, wallMs)
    const listsOf = (lists: ReadonlyMap<number, RuleListPlan>) =>
      new Map([...lists].map(([number, list]) => [number, listOf(list)]))
    this.#section = listOf(plan.section)
    this.#listeners = listsOf(plan.listeners)
    this.#routes = listsOf(plan.routes)
    this.#routePlans = plan.routes
    this.#blockOf = blockOf
  }

  /** What has to be read of the clients of a listener for its list and that of the section. */
  needsOf(listenerSlot: number): number {
    return this.#section.needs | (this.#ofListener(listenerSlot)?.needs ?? NEEDS_NOTHING)
  }

  /** What the section and the listener say; without facts NO_ANSWER: the verdict depends on them. */
  decide(client: RuleClient, listenerSlot: number, facts: RouteFacts | undefined): Answer {
    const bySection = this.#section.decide(client, facts)
    if (bySection === REJECTS) return this.#reject('section', this.#section)
    const list = this.#ofListener(listenerSlot)
    if (list === undefined) return bySection
    const byListener = list.decide(client, facts)
    if (byListener === REJECTS) return this.#reject('listener', list)
    return bySection === ADMITS ? byListener : NO_ANSWER
  }

  hasRulesOf(route: number): boolean {
    return this.#routes.has(route)
  }

  /** What the route says that chose the pool of a client. */
  decideRoute(client: RuleClient, route: number, facts: RouteFacts): Answer {
    const list = this.#routes.get(route)
    const answer = list?.decide(client, facts) ?? ADMITS
    return list !== undefined && answer === REJECTS ? this.#reject(route, list) : answer
  }

  /** Why the last client was rejected. */
  get refusal(): RuleRefusal {
    const rule = this.#rule
    const rejecting = this.#rejecting
    if (rejecting === 'section') return { reason: 'rejected', rule }
    if (rejecting === 'listener') return { reason: 'listener-rule', rule: `${rule}@listener` }
    const route = ruleName(this.#routePlans.get(rejecting)?.route)
    return { reason: 'route-rule', rule: `${rule}@route:${route}` }
  }

  #ofListener(listenerSlot: number): RuleList | undefined {
    const block = this.#listeners.size === 0 ? undefined : this.#blockOf(listenerSlot)
    return block === undefined ? undefined : this.#listeners.get(block)
  }

  #reject(by: 'section' | 'listener' | number, list: RuleList): Answer {
    this.#rejecting = by
    this.#rule = list.rule
    return REJECTS
  }
}
