/** Builds the pools of a generation and its routes. */
import { Router } from '../admission/router.js'
import { hashText } from '../balance/hash.js'
import { policyOf } from '../balance/policy-of.js'
import { Pool } from '../balance/pool.js'
import type { RemoteHealth } from '../balance/remote-health.js'
import type { Cells } from '../cells/cells.js'
import { nativeAddress } from '../kernel/sockaddr.js'
import type { RelayContext } from '../relay/context.js'
import { ClientSource } from '../relay/opening/client-source.js'
import { Routes } from '../relay/opening/routing.js'
import { type RelayPool, RelayPools } from '../relay/relay-pools.js'
import type { SessionOptions } from '../relay/session-options.js'
import type { Plan, PoolPlan, SessionPlan } from './plan.js'

/**
 * `cells`: the shared load of the remotes. `health`: one object for all pools, because a remote belongs to
 * one pool.
 */
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
  { use }: Cells,
  health: RemoteHealth,
): RelayPool {
  // Arrays over the remotes of all pools, because policies index by slot; `members` restricts a pool to its
  // own.
  const weights = remotes.map(({ weight }) => weight)
  const tiers = remotes.map(({ tier }) => tier)
  // By name: a remote keeps its clients when a reload moves it to another slot, and in other processes.
  const seeds = remotes.map(({ name }) => hashText(name))
  const hashing = { seeds, ...(boundedLoad === undefined ? {} : { boundedLoad }) }
  return {
    pool: new Pool({
      ...pool,
      weights,
      tiers,
      use,
      health,
      policy: policyOf(policy, remotes.length, hashing),
    }),
    options: sessionOptions(options),
    label,
    key,
  }
}

/** Allocates the native form of the addresses, which `ReactorGeneration.close` frees. */
function sessionOptions({ localAddress, ...options }: SessionPlan): SessionOptions {
  return localAddress === 'client'
    ? { ...options, clientSource: new ClientSource(), localAddress: undefined }
    : { ...options, clientSource: undefined, localAddress: localAddress && nativeAddress(localAddress) }
}
