/** The one pool that a relay without routes has, for tests and benchmarks that build a relay themselves. */
import { LeastUse } from '../../src/balance/least-use.js'
import '../../src/balance/policy.js'
import { Pool } from '../../src/balance/pool.js'
import { RemoteHealth } from '../../src/balance/remote-health.js'
import type { RelayParts } from '../../src/relay/relay.js'

export interface PoolFixture {
  readonly weights: readonly number[]
  readonly use: ArrayLike<number>
  readonly useMax?: ArrayLike<number>
  readonly backOffUntilMs?: Float64Array
  readonly rebalance?: number
}

/** A pool of all slots under the policy `least-use`, and the health of its remotes. */
export function leastUsePool({ weights, use, useMax, backOffUntilMs, rebalance = 0 }: PoolFixture) {
  const health = new RemoteHealth(weights.length, backOffUntilMs)
  const pool = new Pool({
    name: 'default',
    members: [...weights.keys()],
    weights,
    use,
    ...(useMax === undefined ? {} : { useMax }),
    health,
    policy: new LeastUse(weights.length),
    rebalance,
  })
  return { health, pool }
}

/** The parts of a relay that choose remotes. */
export function choosing(fixture: PoolFixture): Pick<RelayParts, 'health' | 'route'> {
  const { health, pool } = leastUsePool(fixture)
  return { health, route: () => pool }
}
