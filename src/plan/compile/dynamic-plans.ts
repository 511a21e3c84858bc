/**
 * Dynamic routes: each has a pool of its own with one remote, which stands for all hosts. The pools and remotes follow those of
 * the configuration, in the order of the routes.
 */
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

/** Rows of remotes that a configuration needs in the cells. */
export function remoteCount(tcprelay: Pick<TcprelaySettings, 'remotes' | 'routes'>): number {
  return tcprelay.remotes.length + dynamicTargets(tcprelay).length
}

export function dynamicRemote(name: string): RemotePlan {
  return {
    name,
    weight: 1,
    tier: 0,
    addresses: [],
    tlsClient: undefined,
    options: PLAIN_REMOTE,
    isDynamic: true,
  }
}

/** `remoteSlots`: of their remotes. */
export function dynamicPools(
  tcprelay: TcprelaySettings,
  remoteSlots: readonly number[],
): readonly PoolPlan[] {
  const names = dynamicNames(tcprelay)
  return dynamicTargets(tcprelay).map((target, index) => ({
    name: names[index] ?? '',
    label: '',
    members: remoteSlots.slice(index, index + 1),
    policy: 'first',
    key: undefined,
    boundedLoad: undefined,
    tierMinUsable: 1,
    rebalance: 0,
    options: sessionPlan(tcprelay),
    dynamic: dynamicPlan(target),
  }))
}

function dynamicPlan({ names, networks, port = 0, timeoutMs }: DynamicTarget): DynamicPlan {
  return { names, networks, port, timeoutMs }
}
