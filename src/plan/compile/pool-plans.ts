/** The pools of a plan. */
import { withPort } from '../../base/address.js'
import { DEFAULT_POOL, type PoolSettings } from '../../config/table-pool.js'
import type { RelayingSettings } from '../../config/table-relaying.js'
import type { TcprelaySettings } from '../../config/table-tcprelay.js'
import type { PoolPlan, SessionPlan } from '../../engine/plan.js'
import { SPLICE_POLICIES } from '../../relay/transfer/splice-policies.js'
import { endless } from '../load/endless.js'
import { keepAliveOf, localPorts } from './socket-settings.js'

/** `poolSlots` and `remoteSlots`: in the order of the configuration. */
export function poolPlans(
  { pools, remotes }: TcprelaySettings,
  poolSlots: readonly number[],
  remoteSlots: readonly number[],
): readonly PoolPlan[] {
  const areNamed = pools.some(({ name }) => name !== DEFAULT_POOL)
  return pools.map((pool, index) =>
    poolPlan(
      pool,
      poolSlots[index] as number,
      areNamed ? pool.name : '',
      remoteSlots.filter((_, i) => remotes[i]?.pool === index),
    ),
  )
}

function poolPlan(pool: PoolSettings, slot: number, label: string, members: readonly number[]): PoolPlan {
  const { boundedLoadPercent, key, maxConnections, name, policy, queue, rebalance, tierMinUsable } = pool
  const isHashing = policy === 'source' || policy === 'maglev'
  return {
    name,
    slot,
    label,
    members,
    policy,
    key: isHashing ? key : undefined,
    boundedLoad: boundedLoadPercent === undefined ? undefined : boundedLoadPercent / 100,
    tierMinUsable,
    rebalance,
    maxConnections: endless(maxConnections),
    queueSize: queue.queueSize ?? Number.POSITIVE_INFINITY,
    options: sessionPlan(pool),
  }
}

function sessionPlan(settings: RelayingSettings): SessionPlan {
  const { connectTimeoutMs, localAddress, queue } = settings
  return {
    connectTimeoutMs: endless(connectTimeoutMs),
    queueTimeoutMs: endless(queue.queueTimeoutMs ?? connectTimeoutMs),
    dialTimeoutMs: endless(settings.dialTimeoutMs),
    dialRetries: settings.dialRetries,
    idleTimeoutMs: endless(settings.idleTimeoutMs),
    halfCloseTimeoutMs: endless(settings.halfCloseTimeoutMs),
    keepAlive: keepAliveOf(settings),
    splice: SPLICE_POLICIES[settings.splice],
    localAddress: localAddress === 'client' ? localAddress : localAddress && withPort(localAddress, 0),
    localPorts: localPorts(settings),
  }
}

/** Index of the pool with this name; undefined: there is none. */
export function poolIndex(
  { pools }: Pick<TcprelaySettings, 'pools'>,
  name: string = DEFAULT_POOL,
): number | undefined {
  const index = pools.findIndex((pool) => pool.name === name)
  return index < 0 ? undefined : index
}
