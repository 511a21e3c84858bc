/** The pools of a plan. */
import { type BackOffNumbers, DEFAULT_BACK_OFF } from '../../balance/back-off.js'
import type { HedgePlan } from '../../base/hedge-plan.js'
import { DEFAULT_POOL, type PoolSettings } from '../../config/table-pool.js'
import type { TcprelaySettings } from '../../config/table-tcprelay.js'
import type { PoolPlan, ShedPlan, StickyPlan } from '../../engine/plan.js'
import { endless } from '../load/endless.js'
import { dynamicPools } from './dynamic-plans.js'
import { sessionPlan } from './session-plans.js'

/** `poolSlots` and `remoteSlots`: in the order of the configuration; those of dynamic routes follow. */
export function poolPlans(
  tcprelay: TcprelaySettings,
  poolSlots: readonly number[],
  remoteSlots: readonly number[],
): readonly PoolPlan[] {
  const { pools, remotes } = tcprelay
  return [
    ...configuredPools(tcprelay, poolSlots, remoteSlots),
    ...dynamicPools(tcprelay, poolSlots.slice(pools.length), remoteSlots.slice(remotes.length)),
  ]
}

function configuredPools(
  { limits, pools, remotes }: TcprelaySettings,
  poolSlots: readonly number[],
  remoteSlots: readonly number[],
): readonly PoolPlan[] {
  const areNamed = pools.some(({ name }) => name !== DEFAULT_POOL)
  const members: number[][] = pools.map(() => [])
  const spares: number[][] = pools.map(() => [])
  for (const [i, { pool, target }] of remotes.entries()) {
    const slots = target.kind === 'discovered' ? spares : members
    slots[pool]?.push(remoteSlots[i] as number)
  }
  return pools.map((pool, index) =>
    poolPlan(
      pool,
      poolSlots[index] as number,
      areNamed ? pool.name : '',
      members[index] ?? [],
      spares[index] ?? [],
      limits,
    ),
  )
}

function poolPlan(
  pool: PoolSettings,
  slot: number,
  label: string,
  members: readonly number[],
  spares: readonly number[],
  sectionLimits: TcprelaySettings['limits'],
): PoolPlan {
  const { boundedLoadPercent, key, maxConnections, name, onDown, onRecovery, policy, queue } = pool
  const { rebalance, slowStartAggression, tierMinUsable } = pool
  const isHashing = policy === 'source' || policy === 'maglev'
  return {
    name,
    slot,
    label,
    members,
    spares,
    policy,
    key: isHashing ? key : undefined,
    sticky: stickyPlan(pool),
    boundedLoad: boundedLoadPercent === undefined ? undefined : boundedLoadPercent / 100,
    tierMinUsable,
    closesOnRecovery: onRecovery === 'close',
    closesOnDown: onDown === 'close',
    drainDeadlineMs: endless(pool.drainDeadlineMs),
    shed: isHashing ? undefined : shedPlan(pool),
    slowStartAggression,
    rebalance,
    backOff: backOffNumbers(pool),
    retryBudgetPercent: pool.retryBudgetPercent,
    hedge: isHashing ? undefined : hedgePlan(pool),
    maxConnections: endless(maxConnections),
    queueSize: queue?.queueSize ?? Number.POSITIVE_INFINITY,
    options: sessionPlan(pool, [...sectionLimits, ...pool.limits]),
  }
}

export function backOffNumbers({
  backOffFirst,
  backOffJitterPercent,
  backOffMaxMs,
}: PoolSettings): BackOffNumbers {
  return {
    firstMs: backOffFirst?.value ?? DEFAULT_BACK_OFF.firstMs,
    maxMs: backOffMaxMs,
    jitter: backOffJitterPercent / 100,
  }
}

/** A client with a remote of its own waits for that. */
function hedgePlan(pool: PoolSettings): HedgePlan | undefined {
  return pool.hedge === 'no' || stickyPlan(pool) !== undefined ? undefined : pool.hedge
}

/** Where clients come back to the same remote, nothing is gained by ending their sessions. */
function shedPlan(pool: PoolSettings): ShedPlan | undefined {
  const { shed } = pool
  if (shed === undefined || stickyPlan(pool) !== undefined) return undefined
  return { over: shed.overPercent / 100, perSecond: shed.perSecond, quietMs: shed.quietMs }
}

function stickyPlan({ sticky }: PoolSettings): StickyPlan | undefined {
  if (sticky === undefined || sticky.entries === 0) return undefined
  const { entries, key, ttlMs } = sticky
  return { key, ttlMs, entries }
}

/** Index of the pool with this name; undefined: there is none. */
export function poolIndex(
  { pools }: Pick<TcprelaySettings, 'pools'>,
  name: string = DEFAULT_POOL,
): number | undefined {
  const index = pools.findIndex((pool) => pool.name === name)
  return index < 0 ? undefined : index
}
