import { type CellFds, type CreatedCells, createCells } from '../cells/cells.js'
import type { Shape } from '../cells/layout.js'

/** Slots beyond what is needed, for remotes that later configurations bring. */
const SPARE_REMOTES = 32

/**
 * The memory that a master's children share, and which remote has which slot in it. A remote keeps its slot from one
 * configuration to the next, so that the sessions of old children count when new ones choose.
 */
export class SharedCells {
  readonly shape: Shape
  readonly #created: CreatedCells
  /** Slots by remote, for each configuration that is in use. */
  readonly #users = new Map<object, ReadonlyMap<string, number>>()

  constructor(shape: Shape) {
    this.shape = { ...shape, remotes: shape.remotes + SPARE_REMOTES }
    this.#created = createCells(this.shape)
  }

  /** The descriptors for what becomes the child of a slot. */
  fdsOf(childSlot: number): CellFds {
    return this.#created.fdsOf(childSlot)
  }

  get cells(): CreatedCells['cells'] {
    return this.#created.cells
  }

  /**
   * Finds slots for the remotes of a configuration, `names` in its order, for as long as `user` does not `leave`. A
   * name that is there twice is two remotes. Undefined: there is not enough room.
   */
  enter(user: object, names: readonly string[]): readonly number[] | undefined {
    const keys = names.map(
      (name, i) => `${name} ${names.slice(0, i).filter((other) => other === name).length}`,
    )
    const known = new Map([...this.#users.values()].flatMap((slots) => [...slots]))
    const taken = new Set(known.values())
    const slots = new Map<string, number>()
    let next = 0
    for (const key of keys) {
      while (taken.has(next)) next++
      const slot = known.get(key) ?? next
      taken.add(slot)
      slots.set(key, slot)
    }
    if ([...slots.values()].some((slot) => slot >= this.shape.remotes)) return undefined
    this.#users.set(user, slots)
    return [...slots.values()]
  }

  /** Takes back what a child that has ended held. */
  giveBack(childSlot: number): void {
    this.cells.giveBack(childSlot)
  }

  /** The memory goes with its last user. */
  leave(user: object): void {
    if (!this.#users.delete(user) || this.#users.size > 0) return
    this.#created.close()
  }
}
