/** The memory of the cells, and how configurations and children share it. */
import { type CellFds, type CreatedCells, createCells, type HeadCells } from '../../cells/cells.js'
import type { Shape } from '../../cells/layout.js'
import type { CountedRows, CounterKeeper } from '../../services/counter-keeper.js'
import { NamedSlots } from './named-slots.js'

/** Spare slots, so that a reload with some new names needs no new memory. */
const SPARE_REMOTES = 32
const SPARE_LISTENERS = 32
const SPARE_POOLS = 32

/** Names that have slots, in the order of a configuration. */
export interface SlotNames {
  readonly remotes: readonly string[]
  readonly listeners: readonly string[]
  readonly pools: readonly string[]
}

/** The slots of these names, in the same order. */
export interface Slots {
  readonly remotes: readonly number[]
  readonly listeners: readonly number[]
  readonly pools: readonly number[]
}

/** The slots of one configuration. */
interface User {
  readonly names: SlotNames
  readonly slots: Slots
}

const NO_SLOTS = { remotes: [], listeners: [], pools: [] }
/** A configuration that was given up: counts of its last children belong to no name. */
const NOBODY: User = { names: NO_SLOTS, slots: NO_SLOTS }

/**
 * The memory that a master's children share, and which remote, listener and pool has which slot in it. They keep their slots
 * from one configuration to the next, so that the sessions of old children count when new ones choose.
 */
export class SharedCells {
  readonly shape: Shape
  readonly #created: CreatedCells
  readonly #keeper: CounterKeeper
  readonly #remotes: NamedSlots
  readonly #listeners: NamedSlots
  readonly #pools: NamedSlots
  readonly #users = new Map<object, User>()
  /** By remote slot: the name that the slot has in configurations. */
  readonly #configured: string[] = []
  /** By remote slot: the name of the remote that policies remember there, and that children count for. */
  readonly #remembered: string[] = []
  /** Rows that running children count in, by the slots of the children. */
  readonly #counted = new Map<number, CountedRows>()

  constructor(shape: Shape, keeper: CounterKeeper) {
    this.shape = {
      ...shape,
      remotes: shape.remotes + SPARE_REMOTES,
      listeners: shape.listeners + SPARE_LISTENERS,
      pools: shape.pools + SPARE_POOLS,
    }
    this.#created = createCells(this.shape)
    this.#keeper = keeper
    this.#remotes = new NamedSlots(this.shape.remotes)
    this.#listeners = new NamedSlots(this.shape.listeners)
    this.#pools = new NamedSlots(this.shape.pools)
  }

  /** The descriptors that the child of a slot inherits. */
  fdsOf(childSlot: number): CellFds {
    return this.#created.fdsOf(childSlot)
  }

  get cells(): HeadCells {
    return this.#created.cells
  }

  /** Finds slots for a configuration, for as long as `user` does not `leave`. Undefined: there is not enough room. */
  enter(user: object, names: SlotNames): Slots | undefined {
    const remotes = this.#remotes.enter(user, names.remotes)
    const listeners = this.#listeners.enter(user, names.listeners)
    const pools = this.#pools.enter(user, names.pools)
    if (remotes === undefined || listeners === undefined || pools === undefined) {
      this.#leaveSlots(user)
      return undefined
    }
    const slots = { remotes, listeners, pools }
    this.#users.set(user, { names, slots })
    this.#forgetOthers(names.remotes, remotes)
    return slots
  }

  /** Discovery has put another remote into the slot. */
  rename(slot: number, name: string): void {
    if (this.#remembered[slot] === name) return
    this.cells.forget(slot)
    this.#remembered[slot] = name
    for (const rows of this.#counted.values()) this.#keeper.renameRemote(rows, slot, name)
  }

  /** Sessions of all children with the remote in the slot. */
  useOf(slot: number): number {
    return this.cells.use[slot] ?? 0
  }

  /** Copies what policies remember of the remotes that both have. */
  rememberFrom(before: SharedCells): void {
    const slots = new Map(before.#remembered.map((name, slot) => [name, slot]))
    for (const [slot, name] of this.#remembered.entries()) {
      const there = slots.get(name)
      if (there !== undefined) this.cells.remember(slot, before.cells, there)
    }
  }

  /** The child of a slot counts from now on, for the names of `user`. */
  startCounting(user: object, childSlot: number): void {
    const { names, slots } = this.#users.get(user) ?? NOBODY
    const rows = this.cells.child(childSlot)
    const counted = this.#keeper.begin({
      counters: rows.counters,
      listeners: { cells: rows.listenerCounters, names: names.listeners, slots: slots.listeners },
      remotes: {
        cells: rows.remoteCounters,
        names: names.remotes.map((name, i) => this.#remembered[slots.remotes[i] as number] ?? name),
        slots: slots.remotes,
      },
    })
    this.#counted.set(childSlot, counted)
  }

  /** A slot that no child has and none will get: the shape has one for each front that there may be. */
  frontSlot(): number {
    let slot = this.shape.children - 1
    while (this.#counted.has(slot)) slot--
    return slot
  }

  /** Frees the rows of a child that has ended; its counts are kept in the totals. */
  giveBack(childSlot: number): void {
    const counted = this.#counted.get(childSlot)
    // Before its rows are zeroed and its memory is unmapped.
    if (counted !== undefined) this.#keeper.end(counted)
    this.#counted.delete(childSlot)
    this.cells.giveBack(childSlot)
  }

  /** Frees the slots of a configuration, and the memory with the last one. */
  leave(user: object): void {
    if (!this.#users.delete(user)) return
    this.#leaveSlots(user)
    if (this.#users.size > 0) return
    // Rows that were not given back before: their counts are kept.
    for (const childSlot of [...this.#counted.keys()]) this.giveBack(childSlot)
    this.#created.close()
  }

  /** A slot may have been that of another remote. */
  #forgetOthers(names: readonly string[], slots: readonly number[]): void {
    for (const [i, name] of names.entries()) {
      const slot = slots[i] as number
      if (this.#configured[slot] === name) continue
      this.#configured[slot] = name
      this.rename(slot, name)
    }
  }

  #leaveSlots(user: object): void {
    for (const slots of [this.#remotes, this.#listeners, this.#pools]) slots.leave(user)
  }
}
