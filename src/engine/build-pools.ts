/** Builds the pools of a generation and its routes. */
import { Router } from '../admission/router.js'
import { hashText } from '../balance/hash.js'
import { policyOf } from '../balance/policy-of.js'
import { Pool } from '../balance/pool.js'
import { QueueOrder } from '../balance/queue-order.js'
import type { RemoteHealth } from '../balance/remote-health.js'
import type { Cells, OpenedCells } from '../cells/cells.js'
import { poolPlace, queuePlace, type Shape } from '../cells/layout.js'
import { Places } from '../cells/places.js'
import { nativeAddress } from '../kernel/sockaddr.js'
import type { Loop } from '../reactor/loop.js'
import type { RelayContext } from '../relay/context.js'
import { serveWaiting } from '../relay/opening/attempts.js'
import { ClientSource } from '../relay/opening/client-source.js'
import { PoolQueue } from '../relay/opening/pool-queue.js'
import { Routes } from '../relay/opening/routing.js'
import { type RelayPool, RelayPools } from '../relay/relay-pools.js'
import type { SessionOptions } from '../relay/session-options.js'
import type { Plan, PoolPlan, SessionPlan } from './plan.js'

export interface PoolSurroundings {
  readonly cells: OpenedCells
  /** Slot of this worker in the cells. */
  readonly childSlot: number
  readonly health: RemoteHealth
  readonly loop: Loop
}

export function buildPools(
  plan: Plan,
  surroundings: PoolSurroundings,
): Pick<RelayContext, 'pools' | 'routing'> {
  const { defaultPool, listeners, routes } = plan
  const queueFor = queueMaker(surroundings)
  const pools = new RelayPools(
    plan.pools.map((poolPlan) => {
      const relayPool = buildPool(poolPlan, plan, surroundings)
      return { ...relayPool, queue: queueFor(poolPlan, relayPool.pool) }
    }),
    defaultPool,
    listeners.map(({ pool }) => pool),
  )
  const routing = routes.length === 0 ? undefined : new Routes(routes, new Router(routes, defaultPool), pools)
  return { pools, routing }
}

function buildPool(
  { boundedLoad, key, label, options, policy, ...pool }: PoolPlan,
  { remotes }: Plan,
  { cells, health }: PoolSurroundings,
): Omit<RelayPool, 'queue'> {
  const { layout, use, useMax } = cells
  const weights = remotes.map(({ weight }) => weight)
  const tiers = remotes.map(({ tier }) => tier)
  const seeds = remotes.map(({ name }) => hashText(name))
  const hashing = { seeds, ...(boundedLoad === undefined ? {} : { boundedLoad }) }
  return {
    pool: new Pool({
      ...pool,
      weights,
      tiers,
      use,
      useMax,
      place: placeOf(pool, layout.shape),
      health,
      policy: policyOf(policy, remotes.length, hashing),
    }),
    options: sessionOptions(options),
    label,
    key,
  }
}

/** Makes the queues of pools, which read the rows of all workers. */
function queueMaker({ cells, childSlot, loop }: PoolSurroundings) {
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
    for (const member of pool.members) places[member] = placeOf(pool, layout.shape)
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

function sessionOptions({ localAddress, ...options }: SessionPlan): SessionOptions {
  return localAddress === 'client'
    ? { ...options, clientSource: new ClientSource(), localAddress: undefined }
    : { ...options, clientSource: undefined, localAddress: localAddress && nativeAddress(localAddress) }
}
