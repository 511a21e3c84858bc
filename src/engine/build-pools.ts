/** Builds the pools of a generation and its routes. */
import { Router } from '../admission/router.js'
import { hashText } from '../balance/hash.js'
import { policyOf } from '../balance/policy-of.js'
import { Pool } from '../balance/pool.js'
import type { RemoteHealth } from '../balance/remote-health.js'
import { SlowStart } from '../balance/slow-start.js'
import type { Cells } from '../cells/cells.js'
import { openStickyTable, type StickyShare } from '../cells/sticky-table.js'
import { nativeAddress } from '../kernel/sockaddr.js'
import type { RelayContext } from '../relay/context.js'
import { ClientSource } from '../relay/opening/client-source.js'
import { Routes } from '../relay/opening/routing.js'
import { type RelayPool, RelayPools } from '../relay/relay-pools.js'
import type { SessionOptions } from '../relay/session-options.js'
import { Stickiness } from '../relay/stickiness.js'
import type { Plan, PoolPlan, SessionPlan } from './plan.js'

export function buildPools(
  plan: Plan,
  cells: Cells,
  health: RemoteHealth,
  stickyShares: readonly (StickyShare | undefined)[],
): Pick<RelayContext, 'pools' | 'routing'> {
  const { defaultPool, listeners, routes } = plan
  const pools = new RelayPools(
    plan.pools.map((pool, index) => ({
      ...buildPool(pool, plan, cells, health),
      sticky: openStickiness(pool, plan, stickyShares[index]),
    })),
    defaultPool,
    listeners.map(({ pool }) => pool),
  )
  const routing = routes.length === 0 ? undefined : new Routes(routes, new Router(routes, defaultPool), pools)
  return { pools, routing }
}

function buildPool(
  { boundedLoad, key, label, options, policy, slowStartAggression, sticky: _sticky, ...pool }: PoolPlan,
  { remotes }: Plan,
  { upAtMs, use, verdict }: Cells,
  health: RemoteHealth,
): RelayPool {
  const weights = remotes.map(({ weight }) => weight)
  const tiers = remotes.map(({ tier }) => tier)
  const seeds = remotes.map(({ name }) => hashText(name))
  const durationsMs = remotes.map(({ slowStartMs }) => slowStartMs)
  const hasSlowStart = pool.members.some((slot) => durationsMs[slot] !== 0)
  const ramp = { aggression: slowStartAggression, durationsMs, upAtMs, verdict }
  const hashing = { seeds, ...(boundedLoad === undefined ? {} : { boundedLoad }) }
  return {
    pool: new Pool({
      ...pool,
      weights,
      tiers,
      use,
      health,
      slowStart: hasSlowStart ? new SlowStart(ramp) : undefined,
      policy: policyOf(policy, remotes.length, hashing),
    }),
    options: sessionOptions(options),
    label,
    key,
  }
}

function openStickiness(
  { members, sticky }: PoolPlan,
  { remotes }: Plan,
  share: StickyShare | undefined,
): Stickiness | undefined {
  if (sticky === undefined || share === undefined) return undefined
  const named = members.map((slot) => ({ slot, name: remotes[slot]?.name ?? '' }))
  return new Stickiness(sticky.key, share.seed, openStickyTable(share, sticky.ttlMs), named)
}

function sessionOptions({ localAddress, ...options }: SessionPlan): SessionOptions {
  return localAddress === 'client'
    ? { ...options, clientSource: new ClientSource(), localAddress: undefined }
    : { ...options, clientSource: undefined, localAddress: localAddress && nativeAddress(localAddress) }
}
