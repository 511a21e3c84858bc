/** The one pool that a relay without routes has, for tests and benchmarks that build a relay themselves. */
import type { BackOff } from '../../src/balance/back-off.js'
import type { Hedging } from '../../src/balance/hedging.js'
import { LeastUse } from '../../src/balance/least-use.js'
import { Pool } from '../../src/balance/pool.js'
import { QueueOrder } from '../../src/balance/queue-order.js'
import { RemoteHealth, type SharedHealth } from '../../src/balance/remote-health.js'
import type { RetryBudget } from '../../src/balance/retry-budget.js'
import type { HeadCells } from '../../src/cells/cells.js'
import { queuePlace } from '../../src/cells/layout.js'
import { Places } from '../../src/cells/places.js'
import { localPolicyMemory } from '../../src/cells/policy-memory.js'
import type { Loop } from '../../src/reactor/loop.js'
import { serveWaiting } from '../../src/relay/opening/attempts.js'
import { PoolQueue } from '../../src/relay/opening/pool-queue.js'
import type { RelayParts } from '../../src/relay/relay.js'
import { RelayPools } from '../../src/relay/relay-pools.js'
import { DEFAULT_SESSION_OPTIONS, type SessionOptions } from '../../src/relay/session-options.js'
import type { Stickiness } from '../../src/relay/stickiness.js'

export interface PoolFixture {
  /** Of all remotes, also of those that are not in the pool. */
  readonly weights: readonly number[]
  /** @default all */
  readonly members?: readonly number[]
  readonly use: ArrayLike<number>
  readonly useMax?: ArrayLike<number>
  readonly shared?: Partial<SharedHealth>
  readonly rebalance?: number
  readonly sticky?: Stickiness | undefined
  readonly retryBudget?: RetryBudget | undefined
  readonly hedging?: Hedging | undefined
  readonly backOff?: BackOff
}

/** A pool under the policy `least-use`, and the health of its remotes. */
export function leastUsePool(fixture: PoolFixture) {
  const { weights, members, use, useMax, shared, rebalance = 0, backOff } = fixture
  const health = new RemoteHealth(weights.length, shared, backOff)
  const pool = new Pool({
    name: 'default',
    members: members ?? [...weights.keys()],
    weights: [...weights],
    use,
    ...(useMax === undefined ? {} : { useMax }),
    health,
    policy: new LeastUse(localPolicyMemory(weights.length)),
    rebalance,
  })
  return { health, pool }
}

/** Where a relay is: its loop and its cells. */
export interface PoolWorld {
  readonly loop: Loop
  readonly cells: HeadCells
  /** The worker. @default 0 */
  readonly slot?: number
}

/** The parts of a relay that choose remotes, and the options of its sessions. */
export function choosing(
  fixture: Omit<PoolFixture, 'shared' | 'use' | 'useMax'> & Partial<Pick<PoolFixture, 'use'>>,
  { cells, loop, slot = 0 }: PoolWorld,
  options: Partial<SessionOptions> = {},
): Pick<RelayParts, 'health' | 'pools' | 'routing'> {
  const child = cells.child(slot)
  const { use, useMax } = cells
  const { health, pool } = leastUsePool({
    use,
    ...fixture,
    useMax,
    shared: { backOffUntilMs: child.retryAtMs },
  })
  const since = Array.from({ length: cells.layout.shape.children }, (_, other) => cells.queuedSinceOf(other))
  const queue = new PoolQueue({
    loop,
    pool,
    places: new Places(cells, child),
    place: queuePlace(cells.layout.shape, 0),
    order: new QueueOrder(since, slot, 0),
    serve: serveWaiting,
  })
  const whole = { ...DEFAULT_SESSION_OPTIONS, ...options }
  return {
    health,
    routing: undefined,
    pools: new RelayPools(
      [
        {
          pool,
          queue,
          options: whole,
          retryBudget: fixture.retryBudget,
          hedging: fixture.hedging,
          index: 0,
          label: '',
          key: undefined,
          policy: 'least-use',
          sticky: fixture.sticky,
        },
      ],
      0,
      [],
    ),
  }
}
