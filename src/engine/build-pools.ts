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

/** `seed`: of the random numbers of all pools, to repeat a run. @default different every time */
export function buildPools(
  plan: Plan,
  cells: Pick<Cells, 'use'>,
  health: RemoteHealth,
  seed?: number,
): Pick<RelayContext, 'pools' | 'routing'> {
  const { defaultPool, listeners, routes } = plan
  const pools = new RelayPools(
    plan.pools.map((pool, index) =>
      buildPool(pool, plan, cells, health, seed === undefined ? seed : seed + index),
    ),
    defaultPool,
    listeners.map(({ pool }) => pool),
  )
  const routing = routes.length === 0 ? undefined : new Routes(routes, new Router(routes, defaultPool), pools)
  return { pools, routing }
}

function buildPool(
  { boundedLoad, key, label, options, policy, ...pool }: PoolPlan,
  { remotes }: Plan,
  { use }: Pick<Cells, 'use'>,
  health: RemoteHealth,
  seed: number | undefined,
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
      health,
      policy: policyOf(policy, remotes.length, hashing),
      ...(seed !== undefined && { seed }),
    }),
    options: sessionOptions(options),
    label,
    key,
  }
}

function sessionOptions({ localAddress, ...options }: SessionPlan): SessionOptions {
  return localAddress === 'client'
    ? { ...options, clientSource: new ClientSource(), localAddress: undefined }
    : { ...options, clientSource: undefined, localAddress: localAddress && nativeAddress(localAddress) }
}
