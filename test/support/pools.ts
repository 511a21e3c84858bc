/** The one pool that a relay without routes has, for tests and benchmarks that build a relay themselves. */
import { LeastUse } from '../../src/balance/least-use.js'
import { Pool } from '../../src/balance/pool.js'
import { QueueOrder } from '../../src/balance/queue-order.js'
import { RemoteHealth } from '../../src/balance/remote-health.js'
import type { HeadCells } from '../../src/cells/cells.js'
import { queuePlace } from '../../src/cells/layout.js'
import { Places } from '../../src/cells/places.js'
import type { Loop } from '../../src/reactor/loop.js'
import { serveWaiting } from '../../src/relay/opening/attempts.js'
import { PoolQueue } from '../../src/relay/opening/pool-queue.js'
import type { RelayParts } from '../../src/relay/relay.js'
import { RelayPools } from '../../src/relay/relay-pools.js'
import { DEFAULT_SESSION_OPTIONS, type SessionOptions } from '../../src/relay/session-options.js'

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

/** What the queue of a pool needs: the loop and the cells. */
export interface PoolWorld {
  readonly loop: Loop
  readonly cells: HeadCells
  /** The worker. @default 0 */
  readonly slot?: number
  /** What the pool knows of the places in use. @default what the cells say */
  readonly use?: ArrayLike<number>
}

/** The parts of a relay that choose remotes, and the options of its sessions. */
export function choosing(
  weights: readonly number[],
  { cells, loop, slot = 0, use = cells.use }: PoolWorld,
  options: Partial<SessionOptions> = {},
  rebalance = 0,
): Pick<RelayParts, 'health' | 'pools' | 'routing'> {
  const child = cells.child(slot)
  const { useMax } = cells
  const { health, pool } = leastUsePool({ weights, use, useMax, backOffUntilMs: child.retryAtMs, rebalance })
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
    pools: new RelayPools([{ pool, queue, options: whole, label: '', key: undefined }], 0, []),
  }
}
