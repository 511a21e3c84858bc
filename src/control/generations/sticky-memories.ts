/** The memory of sticky tables, one for each sticky pool. It outlives the children that use it, and reloads. */
import { createStickyMemory, type StickyShare } from '../../cells/sticky-table.js'
import type { PoolPlan } from '../../engine/plan.js'
import { closeMemory } from '../../kernel/memory.js'

interface Memory extends StickyShare {
  /** Generations that have it. */
  users: number
}

type StickyPool = Pick<PoolPlan, 'name' | 'sticky'>

/** The tables of one generation. A pool takes over that of the same name, unless its size has changed. */
export class StickyMemories {
  readonly #memories = new Map<string, Memory>()
  readonly #pools: readonly StickyPool[]

  /** Throws when the system has no memory or no descriptor left. */
  constructor(pools: readonly StickyPool[], before: StickyMemories | undefined) {
    this.#pools = pools
    try {
      for (const { name, sticky } of pools) {
        if (sticky === undefined) continue
        const known = before === undefined ? undefined : before.#memories.get(name)
        const memory = known?.entries === sticky.entries ? known : created(sticky.entries)
        memory.users++
        this.#memories.set(name, memory)
      }
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** By pool of the plan. */
  get shares(): readonly (StickyShare | undefined)[] {
    return this.#pools.map(({ name }) => {
      const memory = this.#memories.get(name)
      return memory && { fd: memory.fd, entries: memory.entries, seed: memory.seed }
    })
  }

  get count(): number {
    return this.#memories.size
  }

  /** Closes the descriptors that no other generation has. Workers keep what they have mapped. Idempotent. */
  close(): void {
    for (const memory of this.#memories.values()) if (--memory.users === 0) closeMemory(memory.fd)
    this.#memories.clear()
  }
}

function created(entries: number): Memory {
  // `node:crypto` would be loaded at every start.
  const [seed = 0] = crypto.getRandomValues(new Int32Array(1))
  return { fd: createStickyMemory(entries), entries, seed, users: 0 }
}
