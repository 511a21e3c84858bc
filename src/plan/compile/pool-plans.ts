/** The pools of a plan. */
import { DEFAULT_POOL, type PoolSettings } from '../../config/table-pool.js'
import type { TcprelaySettings } from '../../config/table-tcprelay.js'
import type { PoolPlan } from '../../engine/plan.js'
import { sessionPlan } from './session-plans.js'

/** `remoteSlots`: in the order of the configuration. */
export function poolPlans(
  { pools, remotes }: TcprelaySettings,
  remoteSlots: readonly number[],
): readonly PoolPlan[] {
  const areNamed = pools.some(({ name }) => name !== DEFAULT_POOL)
  return pools.map((pool, index) =>
    poolPlan(
      pool,
      areNamed ? pool.name : '',
      remoteSlots.filter((_, i) => remotes[i]?.pool === index),
    ),
  )
}

function poolPlan(pool: PoolSettings, label: string, members: readonly number[]): PoolPlan {
  const { boundedLoadPercent, key, name, policy, rebalance, tierMinUsable } = pool
  const isHashing = policy === 'source' || policy === 'maglev'
  return {
    name,
    label,
    members,
    policy,
    key: isHashing ? key : undefined,
    boundedLoad: boundedLoadPercent === undefined ? undefined : boundedLoadPercent / 100,
    tierMinUsable,
    rebalance,
    options: sessionPlan(pool),
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
