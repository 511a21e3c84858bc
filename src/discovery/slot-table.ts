/** Which of the slots of a pool each member has. Pure: time is an argument. */

/** Workers choose a member that has left until they hear of it; sessions are counted as soon as they have a remote. */
const EMPTY_FOR_MS = 1_000

export class SlotTable {
  readonly #slots = new Map<string, number>()
  /** By slot: the member that has it, or had it last. */
  readonly #owners: (string | undefined)[] = []
  /** By slot: when its member left. */
  readonly #leftAtMs: number[] = []
  #count: number

  constructor(count: number) {
    this.#count = count
  }

  of(name: string): number | undefined {
    return this.#slots.get(name)
  }

  /**
   * The slot of a member that joins: the one that it had before if nobody has it now, or else one that nobody has had, or
   * that has been empty for a while. Undefined: there is none. `isInUse`: there are sessions, also of a time before this table.
   */
  enter(name: string, isInUse: (slot: number) => boolean, nowMs: number): number | undefined {
    const known = this.#slots.get(name)
    if (known !== undefined) return known
    const slot = this.#find(name, isInUse, nowMs)
    if (slot === undefined) return undefined
    this.#owners[slot] = name
    this.#slots.set(name, slot)
    return slot
  }

  /** The member has left; its slot stays in use while it has sessions. */
  leave(name: string, nowMs: number): number | undefined {
    const slot = this.#slots.get(name)
    if (slot !== undefined) this.#leftAtMs[slot] = nowMs
    this.#slots.delete(name)
    return slot
  }

  /** There are as many slots from now on. Returns the members that have lost theirs. */
  resize(count: number): readonly string[] {
    this.#count = count
    const lost = [...this.#slots].flatMap(([name, slot]) => (slot >= count ? [name] : []))
    for (const name of lost) this.#slots.delete(name)
    this.#owners.length = Math.min(this.#owners.length, count)
    return lost
  }

  #find(name: string, isInUse: (slot: number) => boolean, nowMs: number): number | undefined {
    const taken = new Set(this.#slots.values())
    const former = this.#owners.indexOf(name)
    if (former >= 0 && !taken.has(former)) return former
    let used: number | undefined
    for (let slot = 0; slot < this.#count; slot++) {
      if (taken.has(slot) || isInUse(slot)) continue
      if (this.#owners[slot] === undefined) return slot
      if (nowMs - (this.#leftAtMs[slot] ?? Number.NEGATIVE_INFINITY) >= EMPTY_FOR_MS) used ??= slot
    }
    return used
  }
}
