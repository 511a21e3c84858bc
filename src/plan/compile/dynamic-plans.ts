/**
 * Dynamic routes: each has a pool of its own with one remote, which stands for all hosts. The pools and remotes follow those of
 * the configuration, in the order of the routes.
 */
import { DEFAULT_BACK_OFF } from '../../balance/back-off.js'
import type { RouteSettings } from '../../config/table-route.js'
import type { TcprelaySettings } from '../../config/table-tcprelay.js'
import type { PoolPlan, RemotePlan } from '../../engine/plan.js'
import type { DynamicPlan } from '../../relay/dynamic-hosts.js'
import { PLAIN_REMOTE } from '../../relay/remote-options.js'
import { sessionPlan } from './session-plans.js'

export type DynamicTarget = NonNullable<RouteSettings['target']['dynamic']>

/** The targets of the dynamic routes, in order. */
export function dynamicTargets({ routes }: Pick<TcprelaySettings, 'routes'>): readonly DynamicTarget[] {
  return routes.flatMap(({ target }) => target.dynamic ?? [])
}

/** Names of their remotes and pools. */
export function dynamicNames(tcprelay: Pick<TcprelaySettings, 'routes'>): readonly string[] {
  return dynamicTargets(tcprelay).map((_, index) => `dynamic route ${index + 1}`)
}

/** Rows of remotes and of pools that a configuration needs in the cells. */
export function rowCounts(tcprelay: Pick<TcprelaySettings, 'pools' | 'remotes' | 'routes'>): {
  readonly remotes: number
  readonly pools: number
} {
  const { length } = dynamicTargets(tcprelay)
  return { remotes: tcprelay.remotes.length + length, pools: tcprelay.pools.length + length }
}

export function dynamicRemote(name: string): RemotePlan {
  return {
    name,
    weight: 1,
    slowStartMs: 0,
    tier: 0,
    maxConnections: Number.POSITIVE_INFINITY,
    addresses: [],
    tlsClient: undefined,
    options: PLAIN_REMOTE,
    isDynamic: true,
  }
}

/** `poolSlots` and `remoteSlots`: of these pools and their remotes. */
export function dynamicPools(
  tcprelay: TcprelaySettings,
  poolSlots: readonly number[],
  remoteSlots: readonly number[],
): readonly PoolPlan[] {
  const names = dynamicNames(tcprelay)
  return dynamicTargets(tcprelay).map((target, index) => ({
    name: names[index] ?? '',
    slot: poolSlots[index] ?? 0,
    label: '',
    members: remoteSlots.slice(index, index + 1),
    policy: 'first',
    key: undefined,
    sticky: undefined,
    boundedLoad: undefined,
    tierMinUsable: 1,
    closesOnRecovery: false,
    closesOnDown: false,
    drainDeadlineMs: Number.POSITIVE_INFINITY,
    shed: undefined,
    rebalance: 0,
    // Not settable: a host that fails says nothing about the others, so they have neither in common.
    backOff: DEFAULT_BACK_OFF,
    retryBudgetPercent: undefined,
    hedge: undefined,
    slowStartAggression: 1,
    maxConnections: Number.POSITIVE_INFINITY,
    queueSize: Number.POSITIVE_INFINITY,
    options: sessionPlan(tcprelay, tcprelay.limits),
    dynamic: dynamicPlan(target),
  }))
}

function dynamicPlan({ names, networks, port = 0, timeoutMs }: DynamicTarget): DynamicPlan {
  return { names, networks, port, timeoutMs }
}
