/** Builds the pools of a generation and its routes. */
import { Router } from '../admission/router.js'
import { hashText } from '../balance/hash.js'
import { policyOf } from '../balance/policy-of.js'
import { Pool } from '../balance/pool.js'
import type { RemoteHealth } from '../balance/remote-health.js'
import type { Cells } from '../cells/cells.js'
import { poolPlace, type Shape } from '../cells/layout.js'
import { nativeAddress } from '../kernel/sockaddr.js'
import type { RelayContext } from '../relay/context.js'
import { ClientSource } from '../relay/opening/client-source.js'
import { Routes } from '../relay/opening/routing.js'
import { type RelayPool, RelayPools } from '../relay/relay-pools.js'
import type { SessionOptions } from '../relay/session-options.js'
import type { Plan, PoolPlan, SessionPlan } from './plan.js'

export function buildPools(
  plan: Plan,
  cells: Cells,
  health: RemoteHealth,
): Pick<RelayContext, 'pools' | 'routing'> {
  const { defaultPool, listeners, routes } = plan
  const pools = new RelayPools(
    plan.pools.map((pool) => buildPool(pool, plan, cells, health)),
    defaultPool,
    listeners.map(({ pool }) => pool),
  )
  const routing = routes.length === 0 ? undefined : new Routes(routes, new Router(routes, defaultPool), pools)
  return { pools, routing }
}

function buildPool(
  { boundedLoad, key, label, options, policy, ...pool }: PoolPlan,
  { remotes }: Plan,
  { layout, use, useMax }: Cells,
  health: RemoteHealth,
): RelayPool {
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
