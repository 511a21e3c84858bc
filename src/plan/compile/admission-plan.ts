/** Compiles the lists of access rules: of the section, the listeners and the routes. */
import { type AddressRule, compileAccess } from '../../admission/compile-access.js'
import type { GeoNetworks } from '../../admission/geo-networks.js'
import type { IdentityRule } from '../../admission/identity-list.js'
import { NEEDS_NOTHING } from '../../admission/route-needs.js'
import { needsOfRules } from '../../admission/rule-list.js'
import {
  type AccessPlan,
  NO_RULES,
  type Otherwise,
  type RuleListPlan,
  type RuleStep,
} from '../../admission/rule-list-plan.js'
import type { AccessRule, ConditionRule } from '../../config/access-rule.js'
import type { RouteSettings } from '../../config/table-route.js'
import type { ListenerSettings, SpawndSettings } from '../../config/table-spawnd.js'
import type { Plan } from '../../engine/plan.js'
import { conditionsOf } from './route-plans.js'

/** A list as configured. */
type GivenList = Pick<SpawndSettings, 'accessDefault' | 'accessRules'>

type GivenListener = GivenList & Pick<ListenerSettings, 'block'>
type GivenRoute = GivenList & Pick<RouteSettings, 'position'>

/** The rules of a configuration. */
export interface GivenLists {
  readonly spawnd: GivenList & { readonly listeners: readonly GivenListener[] }
  readonly tcprelay: { readonly routes: readonly GivenRoute[] }
  readonly geo: GeoNetworks
}

/** Also called when a file has changed that rules name. */
export function accessPlan({ geo, spawnd, tcprelay }: GivenLists): AccessPlan {
  const listeners = new Map<number, RuleListPlan>()
  for (const { block, ...list } of spawnd.listeners)
    if (!listeners.has(block) && hasList(list)) listeners.set(block, listOf(list, geo))
  const routes = tcprelay.routes.flatMap(({ position: { file, line }, ...list }, index) =>
    hasList(list) ? [[index, { ...listOf(list, geo), route: { file, line } }] as const] : [],
  )
  return { section: hasList(spawnd) ? listOf(spawnd, geo) : NO_RULES, listeners, routes: new Map(routes) }
}

/**
 * The lists that children behind a master evaluate: those of routes, and those about facts. The master has evaluated the
 * others, which may be long, except for clients that PROXY headers name, which the children read.
 */
export function listsBehindMaster(access: AccessPlan, { listeners }: Pick<Plan, 'listeners'>): AccessPlan {
  if (listeners.some(({ proxy }) => proxy !== undefined)) return access
  return {
    section: isAboutFacts(access.section) ? access.section : NO_RULES,
    listeners: new Map([...access.listeners].filter(([, list]) => isAboutFacts(list))),
    routes: access.routes,
  }
}

/** Whether sessions evaluate rules of the section or of a listener. */
export function needsFacts({ listeners, section }: AccessPlan): boolean {
  return [section, ...listeners.values()].some(isAboutFacts)
}

function isAboutFacts(list: RuleListPlan): boolean {
  return needsOfRules(list) !== NEEDS_NOTHING
}

function hasList({ accessDefault, accessRules }: GivenList): boolean {
  return accessRules.length > 0 || accessDefault?.value === 'deny'
}

function listOf({ accessDefault, accessRules }: GivenList, geo: GeoNetworks): RuleListPlan {
  const otherwise = (hasRules: boolean): Otherwise => {
    if (accessDefault === undefined) return { isPermit: !hasRules }
    const { file, line } = accessDefault.position
    return { isPermit: accessDefault.value === 'permit', position: { file, line } }
  }
  return {
    steps: stepsOf(accessRules, geo),
    ofIp: otherwise(accessRules.some(isForIp)),
    ofUnix: otherwise(accessRules.some(isForUnix)),
  }
}

/** Conditions are for clients of both kinds. */
function isForIp(rule: AccessRule): boolean {
  return !('users' in rule)
}

function isForUnix(rule: AccessRule): boolean {
  return 'users' in rule || 'conditions' in rule
}

/** Rules of one kind that follow each other are one step. Those for the other kind of client do not separate them. */
function stepsOf(rules: readonly AccessRule[], geo: GeoNetworks): readonly RuleStep[] {
  const steps: RuleStep[] = []
  let addresses: AddressRule[] = []
  let identities: IdentityRule[] = []
  const end = () => {
    if (addresses.length > 0) steps.push({ kind: 'addresses', table: compileAccess(addresses) })
    if (identities.length > 0) steps.push({ kind: 'identities', rules: identities })
    addresses = []
    identities = []
  }
  for (const rule of rules) {
    if ('conditions' in rule) {
      end()
      steps.push(conditionStep(rule))
    } else if ('users' in rule) identities.push(rule)
    else if ('origins' in rule) addresses.push({ ...rule, bounds: boundsOf(rule.origins, geo) })
    else addresses.push(rule)
  }
  end()
  return steps
}

function conditionStep({ conditions, isNegated, isPermit, position }: ConditionRule): RuleStep {
  const place = position === undefined ? {} : { position }
  return { kind: 'condition', isPermit, isNegated, ...place, conditions: conditionsOf(conditions, NO_NAMES) }
}

/** Rules name no listeners. */
const NO_NAMES = { listeners: new Map<string, readonly number[]>() }

function boundsOf(origins: readonly string[], geo: GeoNetworks): Uint8Array {
  return Buffer.concat(origins.map((origin) => geo.get(origin) ?? new Uint8Array(0)))
}
