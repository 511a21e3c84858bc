/** Builds the pools of a generation and its routes. */
import { Router } from '../admission/router.js'
import { hashText } from '../balance/hash.js'
import { policyOf } from '../balance/policy-of.js'
import { Pool } from '../balance/pool.js'
import type { RemoteHealth } from '../balance/remote-health.js'
import type { Cells } from '../cells/cells.js'
import { nativeAddress } from '../kernel/sockaddr.js'
import { ClientSource } from '../relay/opening/client-source.js'
import { Routes } from '../relay/opening/routing.js'
import { RelayPools } from '../relay/relay-pools.js'
import type { SessionOptions } from '../relay/session-options.js'
import type { ListenerPlan, Plan, PoolPlan, SessionPlan } from './plan.js'

/** The parts of a plan by which clients get a pool and a remote. */
export type ChoosingPlan = Pick<Plan, 'defaultPool' | 'pools' | 'remotes' | 'routes'> & {
  readonly listeners: readonly Pick<ListenerPlan, 'pool'>[]
}

/** `optionsOf`: compiles the options of sessions, which may own native memory. */
export function buildPools(
  plan: ChoosingPlan,
  cells: Pick<Cells, 'use'>,
  health: RemoteHealth,
  optionsOf: (options: SessionPlan) => SessionOptions = sessionOptions,
): { readonly pools: RelayPools; readonly routing: Routes | undefined } {
  const { defaultPool, listeners, routes } = plan
  const pools = new RelayPools(
    plan.pools.map((pool) => ({
      pool: buildPool(pool, plan, cells, health),
      options: optionsOf(pool.options),
      label: pool.label,
      key: pool.key,
    })),
    defaultPool,
    listeners.map(({ pool }) => pool),
  )
  const routing = routes.length === 0 ? undefined : new Routes(routes, new Router(routes, defaultPool), pools)
  return { pools, routing }
}

function buildPool(
  { boundedLoad, policy, ...pool }: PoolPlan,
  { remotes }: ChoosingPlan,
  { use }: Pick<Cells, 'use'>,
  health: RemoteHealth,
): Pool {
  const weights = remotes.map(({ weight }) => weight)
  const tiers = remotes.map(({ tier }) => tier)
  const seeds = remotes.map(({ name }) => hashText(name))
  const hashing = { seeds, ...(boundedLoad === undefined ? {} : { boundedLoad }) }
  return new Pool({
    ...pool,
    weights,
    tiers,
    use,
    health,
    policy: policyOf(policy, remotes.length, hashing),
  })
}

function sessionOptions({ localAddress, ...options }: SessionPlan): SessionOptions {
  return localAddress === 'client'
    ? { ...options, clientSource: new ClientSource(), localAddress: undefined }
    : { ...options, clientSource: undefined, localAddress: localAddress && nativeAddress(localAddress) }
}
