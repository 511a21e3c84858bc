/** Discovery of the head, common to all generations: one `DiscoveredPool` for each pool with `discover`. */
import type { DiscoverPlan } from '../../discovery/discover-plan.js'
import type { FoundMember } from '../../discovery/source.js'
import { DiscoveredPool, type DiscoveredPoolParts } from './discovered-pool.js'
import type { PlacedMember } from './placed-member.js'

export type DiscoveryParts = DiscoveredPoolParts

export class DiscoveryService {
  readonly #parts: DiscoveryParts
  /** The last answers of pools that have no source now. */
  readonly #known: Map<string, readonly FoundMember[]>
  readonly #pools = new Map<string, DiscoveredPool>()
  #isClosed = false

  /** `known`: by pool, the last answers before a restart. */
  constructor(parts: DiscoveryParts, known: ReadonlyMap<string, readonly FoundMember[]>) {
    this.#parts = parts
    this.#known = new Map(known)
  }

  /**
   * Opens the sources of pools that have none yet, for a generation that is made. Settles when each pool has members or its
   * source has answered or failed once.
   */
  prepare(plans: readonly DiscoverPlan[]): Promise<unknown> {
    for (const plan of plans) {
      // A reload that was under way when the process began to end.
      if (this.#isClosed || this.#pools.has(plan.pool)) continue
      const known = this.#known.get(plan.pool) ?? []
      this.#known.delete(plan.pool)
      this.#pools.set(plan.pool, new DiscoveredPool(plan, known, this.#parts))
    }
    return Promise.all([...this.#pools.values()].map(({ ready }) => ready))
  }

  /** The plans of the generation in force: other sources are closed. */
  follow(plans: readonly DiscoverPlan[]): void {
    const names = new Set(plans.map(({ pool }) => pool))
    for (const [name, pool] of this.#pools) {
      if (names.has(name)) continue
      this.#known.set(name, pool.members)
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
    this.#isClosed = true
    for (const pool of this.#pools.values()) pool.close()
    this.#pools.clear()
  }
}
