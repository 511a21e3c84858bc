/** Builds the pools of a generation and its routes. */
import { Router } from '../admission/router.js'
import { BackOff, type BackOffNumbers } from '../balance/back-off.js'
import { Hedging } from '../balance/hedging.js'
import { policyOf } from '../balance/policy-of.js'
import { Pool, type PoolOptions } from '../balance/pool.js'
import { QueueOrder } from '../balance/queue-order.js'
import { RandomSource } from '../balance/random-source.js'
import type { RemoteHealth } from '../balance/remote-health.js'
import { remoteSeeds } from '../balance/remote-seeds.js'
import { RetryBudget } from '../balance/retry-budget.js'
import { rangeOf } from '../balance/slot-range.js'
import { SlowStart } from '../balance/slow-start.js'
import { merged } from '../base/merged.js'
import type { Cells, OpenedCells } from '../cells/cells.js'
import { poolPlace, queuePlace, type Shape } from '../cells/layout.js'
import { Places } from '../cells/places.js'
import { openStickyTable, type StickyShare } from '../cells/sticky-table.js'
import { nativeAddress } from '../kernel/sockaddr.js'
import type { Loop } from '../reactor/loop.js'
import type { DynamicHosts, DynamicPlan } from '../relay/dynamic-hosts.js'
import { serveWaiting } from '../relay/opening/attempts.js'
import { ClientSource } from '../relay/opening/client-source.js'
import { PoolQueue } from '../relay/opening/pool-queue.js'
import { Routes } from '../relay/opening/routing.js'
import { type RelayPool, RelayPools } from '../relay/relay-pools.js'
import type { OptionOverrides, SessionOptions } from '../relay/session-options.js'
import { Stickiness } from '../relay/stickiness.js'
import type { ListenerPlan, Plan, PoolPlan, SessionOverrides, SessionPlan } from './plan.js'

/** The parts of a plan by which clients get a pool and a remote. */
export type ChoosingPlan = Pick<Plan, 'defaultPool' | 'pools' | 'remotes' | 'routes'> & {
  readonly listeners: readonly Pick<ListenerPlan, 'overrides' | 'pool'>[]
}

/** What pools are built with, by their indices. */
interface PoolParts {
  /** The hosts of a dynamic route. */
  hostsOf(dynamic: DynamicPlan, pool: number): DynamicHosts
  readonly stickyShares: readonly (StickyShare | undefined)[]
  /** Where clients of a pool wait; undefined: there are none. */
  queueOf?(plan: PoolPlan, pool: Pool): PoolQueue
}

/**
 * `cells`: the shared load of the remotes. `health`: one object for all pools, because a remote belongs to
 * one pool.
 */
export function buildPools(
  plan: ChoosingPlan,
  cells: Cells,
  health: RemoteHealth,
  { hostsOf, queueOf, stickyShares }: PoolParts,
): { readonly pools: RelayPools; readonly routing: Routes | undefined; readonly arrays: RemoteArrays } {
  const { defaultPool, listeners, routes } = plan
  const arrays = remoteArrays(plan)
  const pools = new RelayPools(
    plan.pools.map((poolPlan, index): RelayPool => {
      const { dynamic, hedge, key, label, options, policy, spares } = poolPlan
      const limits = { useMax: cells.useMax, place: placeOf(poolPlan, cells.layout.shape) }
      const pool = poolOf(poolPlan, arrays, cells, health, limits)
      // Without spread syntax, so that all pools have one hidden class: see `merged`.
      return {
        pool,
        queue: queueOf?.(poolPlan, pool),
        options: sessionOptions(options),
        retryBudget: retryBudgetOf(poolPlan),
        hedging: hedge === undefined ? undefined : new Hedging(hedge),
        index,
        spares,
        label,
        key,
        policy,
        hosts: dynamic && hostsOf(dynamic, index),
        sticky: openStickiness(poolPlan, plan, stickyShares[index]),
      }
    }),
    defaultPool,
    listeners.map(({ pool }) => pool),
    overridesOf(plan),
  )
  const routing = routes.length === 0 ? undefined : new Routes(routes, new Router(routes, defaultPool), pools)
  return { pools, routing, arrays }
}

/** Other options of the pool may be a limit of its sessions, or the seed of its random numbers. */
export function poolOf(
  plan: PoolPlan,
  { durationsMs, seeds, tiers, weights }: RemoteArrays,
  { policies, upAtMs, use, verdict }: Pick<Cells, 'policies' | 'upAtMs' | 'use' | 'verdict'>,
  health: RemoteHealth,
  others: Pick<PoolOptions, 'place' | 'seed' | 'useMax'> = {},
): Pool {
  const {
    boundedLoad,
    members,
    name,
    policy,
    rebalance,
    slowStartAggression,
    spares = [],
    tierMinUsable,
  } = plan
  const slots = [...members, ...spares]
  const hasSlowStart = slots.some((slot) => durationsMs[slot] !== 0)
  const ramp = { aggression: slowStartAggression, durationsMs, upAtMs, verdict }
  const hashing = { seeds, tiers, tierMinUsable, ...(boundedLoad === undefined ? {} : { boundedLoad }) }
  return new Pool({
    name,
    members,
    rebalance,
    tierMinUsable,
    weights,
    tiers,
    use,
    health,
    slowStart: hasSlowStart ? new SlowStart(ramp) : undefined,
    policy: policyOf(policy, rangeOf(slots), policies, hashing),
    ...others,
  })
}

/** Undefined: retries are not limited. */
export function retryBudgetOf({ retryBudgetPercent }: PoolPlan): RetryBudget | undefined {
  return retryBudgetPercent === undefined ? undefined : new RetryBudget(retryBudgetPercent)
}

/** `seed`: of the jitter. */
export function backOffOf({ pools }: Pick<Plan, 'pools'>, seed: number): BackOff {
  const ofSlots: BackOffNumbers[] = []
  for (const { backOff, members, spares = [] } of pools)
    for (const slot of [...members, ...spares]) ofSlots[slot] = backOff
  return new BackOff(ofSlots, new RandomSource(seed))
}

/** By slot of the remote, made once for all pools: each uses those of its members. */
export interface RemoteArrays {
  readonly weights: number[]
  readonly tiers: number[]
  /** Of names: a remote keeps its clients when a reload moves it to another slot, and in other processes. */
  readonly seeds: number[]
  /** Of slow start. */
  readonly durationsMs: readonly number[]
}

export function remoteArrays(plan: Pick<Plan, 'pools' | 'remotes'>): RemoteArrays {
  const { remotes } = plan
  return {
    weights: remotes.map(({ weight }) => weight),
    tiers: remotes.map(({ tier }) => tier),
    seeds: seedsOf(plan),
    durationsMs: remotes.map(({ slowStartMs }) => slowStartMs),
  }
}

function seedsOf({ pools, remotes }: Pick<Plan, 'pools' | 'remotes'>): number[] {
  const seeds = new Array<number>(remotes.length).fill(0)
  for (const { members } of pools) {
    const ofPool = remoteSeeds(members.map((slot) => remotes[slot]?.name ?? ''))
    for (const [i, slot] of members.entries()) seeds[slot] = ofPool[i] as number
  }
  return seeds
}

/** Makes the queues of pools, which read the rows of all workers. */
export function queueMaker(cells: OpenedCells, childSlot: number, loop: Loop) {
  const { shape } = cells.layout
  const places = new Places(cells, cells.own)
  const since = Array.from({ length: shape.children }, (_, slot) => cells.queuedSinceOf(slot))
  return ({ slot }: PoolPlan, pool: Pool) =>
    new PoolQueue({
      loop,
      pool,
      places,
      place: queuePlace(shape, slot),
      order: new QueueOrder(since, childSlot, slot),
      serve: serveWaiting,
    })
}

/** By slot of the remote: the place of its pool; undefined: the pool has no limit. */
export function poolPlaces({ pools }: Plan, { layout }: Cells): readonly (number | undefined)[] {
  const places: (number | undefined)[] = []
  for (const pool of pools) {
    for (const member of [...pool.members, ...(pool.spares ?? [])])
      places[member] = placeOf(pool, layout.shape)
  }
  return places
}

/** Sessions of a pool without a limit are not counted: that would be one more atomic operation for each. */
function placeOf(
  { maxConnections, slot }: Pick<PoolPlan, 'maxConnections' | 'slot'>,
  shape: Shape,
): number | undefined {
  return maxConnections === Number.POSITIVE_INFINITY ? undefined : poolPlace(shape, slot)
}

function openStickiness(
  { members, sticky }: PoolPlan,
  { remotes }: ChoosingPlan,
  share: StickyShare | undefined,
): Stickiness | undefined {
  if (sticky === undefined || share === undefined) return undefined
  const named = members.map((slot) => ({ slot, name: remotes[slot]?.name ?? '' }))
  return new Stickiness(sticky.key, share.seed, openStickyTable(share, sticky.ttlMs), named)
}

/** Allocates the native form of the addresses, which `ReactorGeneration.close` frees. */
function sessionOptions({ localAddress, ...options }: SessionPlan): SessionOptions {
  return merged(options, sourceOf(localAddress))
}

/** By slot of the listener; ports of one block have the same value. */
function overridesOf({ listeners }: ChoosingPlan): readonly (OptionOverrides | undefined)[] {
  const plans = new Set(listeners.map(({ overrides }) => overrides))
  if (plans.size === 0 || (plans.size === 1 && plans.has(undefined))) return []
  const made = new Map([...plans].map((plan) => [plan, plan && optionOverrides(plan)]))
  return listeners.map(({ overrides }) => made.get(overrides))
}

function optionOverrides({ localAddress, ...overrides }: SessionOverrides): OptionOverrides {
  return localAddress === undefined ? overrides : merged(overrides, sourceOf(localAddress))
}

function sourceOf(
  localAddress: SessionPlan['localAddress'],
): Pick<SessionOptions, 'clientSource' | 'localAddress'> {
  return localAddress === 'client'
    ? { clientSource: new ClientSource(), localAddress: undefined }
    : { clientSource: undefined, localAddress: localAddress && nativeAddress(localAddress) }
}
