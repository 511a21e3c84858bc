/** What routes and pools have to know of the clients of a listener. */
import type { LimitPlan } from '../../admission/limit-plan.js'
import { NEEDS_HELLO, NEEDS_NOTHING } from '../../admission/route-needs.js'
import type { RouteProtocol } from '../../admission/route-plan.js'
import { Router } from '../../admission/router.js'
import { needsOfRules } from '../../admission/rule-list.js'
import type { RuleListPlan } from '../../admission/rule-list-plan.js'
import type { ListenerPlan, Plan, PoolPlan } from '../../engine/plan.js'
import type { ClientKeyPlan } from '../../relay/client-key.js'
import type { Detection } from '../../relay/detection.js'
import type { KeyName } from '../../wire/sniff/client-key.js'
import { PROTOCOL, type ProtocolName } from '../../wire/sniff/protocol-names.js'
import { endless } from '../load/endless.js'
import type { Loaded } from '../load/load.js'

type Choice = Pick<Plan, 'access' | 'defaultPool' | 'limits' | 'pools' | 'routes'>

/** The keys of pools that are in a client's first bytes. */
const KEYS: Readonly<Record<string, { readonly name: KeyName; readonly protocol: ProtocolName }>> = {
  'rdp-cookie': { name: 'rdp-user', protocol: 'rdp' },
  'mqtt-client': { name: 'mqtt-client-id', protocol: 'mqtt' },
}

/**
 * The listeners with what is to be read of their clients before a pool or a remote is chosen. A plain listener whose
 * routes need the ClientHello, or are dynamic, or whose pools have the server name as key, or whose clients are limited by it, reads it as
 * with `tls = pass`; one whose routes name protocols, or whose pools have a key in the first bytes, detects these. Others spend nothing.
 */
export function withNeeds(
  listeners: readonly ListenerPlan[],
  choice: Choice,
  { spawnd, tcprelay }: Pick<Loaded, 'spawnd' | 'tcprelay'>,
): readonly ListenerPlan[] {
  const router = choice.routes.length === 0 ? undefined : new Router(choice.routes, choice.defaultPool)
  const handshakeTimeoutMs = endless(tcprelay.tlsHandshakeTimeoutMs)
  return listeners.map((plan, slot) => {
    const timeoutMs = endless(spawnd.listeners[slot]?.detectTimeoutMs ?? 0)
    const routes = plan.pool === undefined ? router : undefined
    const pools = poolsOf(plan, slot, routes, choice)
    const lists = listsFor(plan, slot, routes, choice)
    const needs = lists.reduce(
      (sum, list) => sum | needsOfRules(list),
      routes?.needsOf(slot) ?? NEEDS_NOTHING,
    )
    const usesHello =
      (needs & NEEDS_HELLO) !== 0 ||
      pools.some(usesServerName) ||
      choice.limits.some((limit) => isByServerName(limit, plan, pools, choice))
    const readsHello = plan.tls.mode === 'off' && usesHello
    const pass = { mode: 'pass', detectTimeoutMs: timeoutMs, handshakeTimeoutMs } as const
    const protocols = [...(routes?.protocolsOf(slot) ?? []), ...lists.flatMap(protocolsOf)]
    const detection = detectionOf(protocols, pools, timeoutMs)
    return { ...plan, tls: readsHello ? pass : plan.tls, ...(detection === undefined ? {} : { detection }) }
  })
}

/** The lists of access rules that the clients of a listener have to pass. */
function listsFor(
  { block }: ListenerPlan,
  slot: number,
  routes: Router | undefined,
  { access }: Choice,
): readonly RuleListPlan[] {
  const ofRoutes = [...access.routes].flatMap(([route, list]) => (routes?.mayMatch(route, slot) ? list : []))
  return [access.section, access.listeners.get(block), ...ofRoutes].filter((list) => list !== undefined)
}

function protocolsOf({ steps }: RuleListPlan): readonly RouteProtocol[] {
  return steps.flatMap((step) => (step.kind === 'condition' ? (step.conditions.protocols ?? []) : []))
}

/** By what a pool recognises its clients: for its policy, and for its sticky table. */
export function keysOf({ key, sticky }: PoolPlan): readonly ClientKeyPlan[] {
  return [key, sticky?.key].filter((key) => key !== undefined)
}

function usesServerName(pool: PoolPlan): boolean {
  return pool.dynamic !== undefined || keysOf(pool).some(({ by }) => by === 'server-name')
}

/** Whether the limit counts clients of this listener by their server name. `pools`: those that may serve them. */
function isByServerName(
  { key, scope }: LimitPlan,
  { block }: ListenerPlan,
  pools: readonly PoolPlan[],
  choice: Choice,
): boolean {
  if (key.by !== 'server-name') return false
  if (scope.of === 'listener') return scope.block === block
  return scope.of === 'section' || pools.some((pool) => pool === choice.pools[scope.pool])
}

/** The pools that may serve clients of a listener: its own, or those that its routes can choose. */
function poolsOf(
  { pool }: ListenerPlan,
  slot: number,
  routes: Router | undefined,
  { defaultPool, pools }: Choice,
): readonly PoolPlan[] {
  const own = pool ?? defaultPool
  const indices = routes?.poolsOf(slot) ?? (own === undefined ? [] : [own])
  return [...indices].flatMap((index) => pools[index] ?? [])
}

function detectionOf(
  ofRoutes: readonly ProtocolName[],
  pools: readonly PoolPlan[],
  timeoutMs: number,
): Detection | undefined {
  const sought = new Set(pools.flatMap(keysOf).map(({ by }) => KEYS[by]))
  const keys = Object.values(KEYS).filter((key) => sought.has(key))
  const names = [...ofRoutes, ...keys.map(({ protocol }) => protocol)]
  if (names.length === 0) return undefined
  const protocols = names.reduce((mask, name) => mask | (1 << PROTOCOL[name]), 0)
  return { protocols, keys: keys.map(({ name }) => name), timeoutMs }
}
