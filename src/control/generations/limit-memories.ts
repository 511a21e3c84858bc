/** The memory of limits: a table for each, and the notes of each child. It outlives the children that use it, and reloads. */
import type { LimitPlan } from '../../admission/limit-plan.js'
import {
  createLimitMemory,
  heldBytesOf,
  type LimitShare,
  memoryBytes,
  openHeld,
  openLimitTables,
} from '../../cells/limit-memory.js'
import type { LimitTable } from '../../cells/limit-table.js'
import { closeMemory, unmap } from '../../kernel/memory.js'
import type { Region } from '../../kernel/region.js'

type Limit = Pick<LimitPlan, 'bytes' | 'entries' | 'key' | 'name'>

interface Memory extends LimitShare {
  /** Of its keys: others would have other hashes. */
  readonly key: string
  /** Generations that have it. */
  users: number
  /** Sessions by entry, as running children note them, by the slots of the children. */
  readonly notes: Map<number, Int32Array>
  /** A child has died since the last check. */
  needsCheck: boolean
  /** Differences that the last check has found, by entry. */
  suspects: ReadonlyMap<number, number>
}

interface ChildNotes {
  readonly region: Region
  /** Until the child has it. */
  fd: number | undefined
}

const NOTHING: ReadonlyMap<number, number> = new Map()

/** The tables of one generation. A limit takes over that of the same name, unless its size or its key has changed. */
export class LimitMemories {
  readonly #memories: Memory[] = []
  readonly #names: readonly string[]
  /** By the slots of running children of this generation. */
  readonly #children = new Map<number, ChildNotes>()

  /** Throws when the system has no memory or no descriptor left. */
  constructor(limits: readonly Limit[], before: LimitMemories | undefined) {
    this.#names = limits.map(({ name }) => name)
    try {
      for (const limit of limits) {
        const known = before?.memoryOf(limit.name)
        const isSame =
          known?.entries === limit.entries &&
          known.key === keyOf(limit) &&
          known.limitsBytes === (limit.bytes !== undefined)
        const memory = known !== undefined && isSame ? known : created(limit)
        memory.users++
        this.#memories.push(memory)
      }
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** In the order of the plan. */
  get shares(): readonly LimitShare[] {
    return this.#memories.map(({ entries, fd, limitsBytes, seed }) => ({ entries, fd, limitsBytes, seed }))
  }

  get count(): number {
    return this.#memories.length
  }

  memoryOf(name: string): Memory | undefined {
    return this.#memories[this.#names.indexOf(name)]
  }

  /** Creates the notes of a child, and returns their descriptor; undefined without limits. Throws without memory. */
  openNotes(childSlot: number): number | undefined {
    if (this.#memories.length === 0) return undefined
    const fd = createLimitMemory(heldBytesOf(this.#memories))
    try {
      const { region, rows } = openHeld(fd, this.#memories)
      this.#children.set(childSlot, { region, fd })
      for (const [index, memory] of this.#memories.entries())
        memory.notes.set(childSlot, rows[index] as Int32Array)
    } catch (error) {
      closeMemory(fd)
      throw error
    }
    return fd
  }

  /** Closes the descriptor, of which the child has received a copy. */
  handedOver(childSlot: number): void {
    const notes = this.#children.get(childSlot)
    if (notes?.fd !== undefined) closeMemory(notes.fd)
    if (notes !== undefined) notes.fd = undefined
  }

  /** The child has ended: frees the places that it has noted. No-op for others. */
  giveBack(childSlot: number): void {
    const child = this.#children.get(childSlot)
    if (child === undefined) return
    this.handedOver(childSlot)
    this.#children.delete(childSlot)
    for (const memory of this.#memories) {
      const held = memory.notes.get(childSlot)
      memory.notes.delete(childSlot)
      if (held === undefined) continue
      withTable(memory, (table) => table.giveBackAll(held))
      memory.needsCheck = true
    }
    // Afterwards, because it reads all of each table: clients may wait for the places.
    for (const memory of this.#memories) withTable(memory, (table) => table.openLocksOf(childSlot))
    unmap(child.region)
  }

  get all(): readonly Memory[] {
    return this.#memories
  }

  /** Closes the descriptors that no other generation has. Workers keep what they have mapped. Idempotent. */
  close(): void {
    for (const slot of [...this.#children.keys()]) this.giveBack(slot)
    for (const memory of this.#memories) if (--memory.users === 0) closeMemory(memory.fd)
    this.#memories.length = 0
  }
}

/**
 * Corrects numbers of sessions that are not the sum of what the children have noted: one was killed between the two.
 * Returns how many. Only after the death of a child, and what two checks have found: children change both all the time.
 */
export function checkLimitMemories(generations: readonly LimitMemories[]): number {
  // Generations may share them.
  const memories = new Set(generations.flatMap(({ all }) => all))
  return [...memories].reduce((sum, memory) => sum + checked(memory), 0)
}

function checked(memory: Memory): number {
  if (!memory.needsCheck && memory.suspects.size === 0) return 0
  memory.needsCheck = false
  let corrected = 0
  withTable(memory, (table) => {
    const found = table.surplus([...memory.notes.values()])
    const lasting = [...found].filter(([entry, count]) => memory.suspects.get(entry) === count)
    for (const [entry, count] of lasting) table.correct(entry, count)
    corrected = lasting.length
    memory.suspects = corrected === found.size ? NOTHING : found
  })
  return corrected
}

/** The head takes no places and no lock. */
function withTable(memory: LimitShare, act: (table: LimitTable) => void): void {
  const tables = openLimitTables({ shares: [memory], heldFd: undefined }, 0)
  for (const table of tables.all) act(table)
  tables.close()
}

function keyOf({ key }: Limit): string {
  return JSON.stringify(key)
}

function created(limit: Limit): Memory {
  // `node:crypto` would be loaded at every start.
  const [seed = 0] = crypto.getRandomValues(new Int32Array(1))
  const memory = { entries: limit.entries, limitsBytes: limit.bytes !== undefined }
  return {
    fd: createLimitMemory(memoryBytes(memory)),
    ...memory,
    seed,
    key: keyOf(limit),
    users: 0,
    notes: new Map(),
    needsCheck: false,
    suspects: NOTHING,
  }
}
