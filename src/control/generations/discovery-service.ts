/** Discovery of the head, common to all generations: one `DiscoveredPool` for each pool with `discover`. */
import type { DiscoverPlan } from '../../discovery/discover-plan.js'
import type { FoundMember } from '../../discovery/source.js'
import { DiscoveredPool, type DiscoveredPoolParts } from './discovered-pool.js'
import type { PlacedMember } from './placed-member.js'

export type DiscoveryParts = DiscoveredPoolParts

export class DiscoveryService {
  readonly #parts: DiscoveryParts
  readonly #known: ReadonlyMap<string, readonly FoundMember[]>
  readonly #pools = new Map<string, DiscoveredPool>()

  /** `known`: by pool, the last answers before a restart. */
  constructor(parts: DiscoveryParts, known: ReadonlyMap<string, readonly FoundMember[]>) {
    this.#parts = parts
    this.#known = known
  }

  /**
   * Opens the sources of pools that have none yet, for a generation that is made. Settles when each pool has members or its
   * source has answered or failed once.
   */
  prepare(plans: readonly DiscoverPlan[]): Promise<unknown> {
    for (const plan of plans) {
      if (this.#pools.has(plan.pool)) continue
      const known = this.#known.get(plan.pool) ?? []
      this.#pools.set(plan.pool, new DiscoveredPool(plan, known, this.#parts))
    }
    const empty = [...this.#pools.values()].filter(({ members }) => members.length === 0)
    return Promise.all(empty.map(({ heard }) => heard))
  }

  /** The plans of the generation in force: other sources are closed. */
  follow(plans: readonly DiscoverPlan[]): void {
    const names = new Set(plans.map(({ pool }) => pool))
    for (const [name, pool] of this.#pools) {
      if (names.has(name)) continue
      pool.close()
      this.#pools.delete(name)
    }
    for (const plan of plans) this.#pools.get(plan.pool)?.use(plan)
  }

  membersOf(pool: string): readonly PlacedMember[] {
    return this.#pools.get(pool)?.placed ?? []
  }

  /** For the state file. */
  *answers(): Generator<readonly [pool: string, members: readonly FoundMember[]]> {
    for (const [name, { members }] of this.#pools) yield [name, members]
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close()
    this.#pools.clear()
  }
}
