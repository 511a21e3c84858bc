/** The members that discovery has found, in the slots that they have in one generation. */
import type { LiveMember } from '../../engine/live-state.js'
import type { Plan, PoolPlan } from '../../engine/plan.js'
import { keyInPool } from '../../plan/compile/socket-names.js'
import type { GenerationHealth } from './generation-health.js'
import type { PlacedChanges, PlacedMember } from './placed-member.js'
import type { SharedCells } from './shared-cells.js'

interface LiveChanges {
  readonly joined: readonly LiveMember[]
  /** Slots. */
  readonly left: readonly number[]
}

export class GenerationMembers {
  readonly #plan: Pick<Plan, 'pools' | 'remotes'>
  readonly #memory: SharedCells
  readonly #health: GenerationHealth

  constructor(plan: Pick<Plan, 'pools' | 'remotes'>, memory: SharedCells, health: GenerationHealth) {
    this.#plan = plan
    this.#memory = memory
    this.#health = health
  }

  /** What the live state of the generation begins with. */
  atStart(membersOf: (pool: string) => readonly PlacedMember[]): readonly LiveMember[] {
    return this.#plan.pools.flatMap((pool) => {
      const joined = membersOf(pool.name).flatMap((member) => this.#liveMember(pool, member))
      this.#putIntoSlots(pool, { joined, left: [] })
      return joined
    })
  }

  /**
   * The members that have changed, and left; of a pool that this generation does not have, none. Their slots are known by
   * their names from now on.
   */
  place(poolName: string, { joined, left }: PlacedChanges): LiveChanges {
    const pool = this.#poolOf(poolName)
    if (pool === undefined) return { joined: [], left: [] }
    const changes = {
      joined: joined.flatMap((member) => this.#liveMember(pool, member)),
      left: left.flatMap((index) => pool.spares?.[index] ?? []),
    }
    this.#putIntoSlots(pool, changes)
    return changes
  }

  /** Sessions of all workers with the member in a slot of a pool. */
  useOf(poolName: string, index: number): number {
    const slot = this.#poolOf(poolName)?.spares?.[index]
    return slot === undefined ? 0 : this.#memory.useOf(slot)
  }

  #poolOf(poolName: string): PoolPlan | undefined {
    return this.#plan.pools.find(({ name }) => name === poolName)
  }

  /** Empty: the generation has fewer slots. */
  #liveMember({ label, spares }: PoolPlan, member: PlacedMember): readonly LiveMember[] {
    const { addresses, index, name, tier, weight } = member
    const slot = spares?.[index]
    const plan = slot === undefined ? undefined : this.#plan.remotes[slot]
    if (slot === undefined || plan === undefined) return []
    const healthName = label === '' ? name : `${name} (pool ${label})`
    return [{ slot, name, healthName, addresses, weight: weight ?? plan.weight, tier: tier ?? plan.tier }]
  }

  #putIntoSlots(pool: PoolPlan, changes: LiveChanges): void {
    for (const { name, slot } of changes.joined) this.#memory.rename(slot, keyInPool(pool.name, name))
    this.#health.replaceMembers(changes)
  }
}
