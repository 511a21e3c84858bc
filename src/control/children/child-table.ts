/** The children of a master by slot, whether a broker places clients or the children accept. */

/** `starting` until it takes clients, `retiring` when it takes no more. */
export type ChildPhase = 'starting' | 'serving' | 'retiring'

export interface TrackedChild {
  readonly slot: number
  /** Identified by the object. */
  readonly generation: object
  phase: ChildPhase
}

/** The children of all generations, in the order of their starts. */
export class ChildTable<Child extends TrackedChild = TrackedChild> {
  readonly #children = new Map<number, Child>()
  /** Generations are only compared, so this table does not depend on their type. */
  #present: object | undefined
  #next: object | undefined

  /** New children belong to this generation; children of others finish their sessions. */
  putInForce(generation: object): void {
    this.#present = generation
    this.#next = undefined
  }

  /** Undefined: the prepared generation is given up. */
  setNext(generation: object | undefined): void {
    this.#next = generation
  }

  add(child: Child): void {
    this.#children.set(child.slot, child)
  }

  delete(slot: number): void {
    this.#children.delete(slot)
  }

  get(slot: number): Child | undefined {
    return this.#children.get(slot)
  }

  get size(): number {
    return this.#children.size
  }

  /** A copy: entries may change during the iteration. */
  get all(): Child[] {
    return [...this.#children.values()]
  }

  /** Children of the present generation that serve or start. */
  get active(): Child[] {
    return this.all.filter(({ generation, phase }) => generation === this.#present && phase !== 'retiring')
  }

  /** Children of the generation that is being prepared. */
  get fresh(): Child[] {
    const next = this.#next
    return this.all.filter(({ generation, phase }) => generation === next && phase !== 'retiring')
  }

  /** Children of replaced generations that have not been asked to finish. */
  get outdated(): Child[] {
    const current = [this.#present, this.#next]
    return this.all.filter(({ generation, phase }) => !current.includes(generation) && phase !== 'retiring')
  }

  /** Of all generations. */
  get retiring(): Child[] {
    return this.all.filter(({ phase }) => phase === 'retiring')
  }

  /** The child takes clients; no effect if it has been asked to finish meanwhile. */
  served(slot: number): void {
    const child = this.#children.get(slot)
    if (child?.phase === 'starting') child.phase = 'serving'
  }

  /** The child takes no more clients. Returns whether that is new. */
  retired(slot: number): boolean {
    const child = this.#children.get(slot)
    if (child === undefined || child.phase === 'retiring') return false
    child.phase = 'retiring'
    return true
  }
}
