/** Which name has which row of a table in the shared memory, for all configurations that use it. */
export class NamedSlots {
  readonly #capacity: number
  /** Slots by name, for each configuration that is in use. */
  readonly #users = new Map<object, ReadonlyMap<string, number>>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /**
   * Finds slots for the names of a configuration, in its order, for as long as `user` does not `leave`. A name that
   * another user has keeps its slot; one that is given twice has two. Undefined: there is not enough room.
   */
  enter(user: object, names: readonly string[]): readonly number[] | undefined {
    // Of several users with the same name all have the same slot, so their order does not matter.
    const known = new Map([...this.#users.values()].flatMap((slots) => [...slots]))
    const taken = new Set(known.values())
    const slots = new Map<string, number>()
    let next = 0
    for (const key of distinct(names)) {
      while (taken.has(next)) next++
      const slot = known.get(key) ?? next
      taken.add(slot)
      slots.set(key, slot)
    }
    if ([...slots.values()].some((slot) => slot >= this.#capacity)) return undefined
    this.#users.set(user, slots)
    return [...slots.values()]
  }

  leave(user: object): void {
    this.#users.delete(user)
  }
}

/** The names with how often each has come before. */
function distinct(names: readonly string[]): string[] {
  const seen = new Map<string, number>()
  // `a`, `b`, `a` become `a 0`, `b 0`, `a 1`.
  return names.map((name) => {
    const count = seen.get(name) ?? 0
    seen.set(name, count + 1)
    return `${name} ${count}`
  })
}
