/** Numbers by slot of the remote, for the state of policies. */

/** The slots of a pool's remotes are among these. */
export interface SlotRange {
  readonly first: number
  readonly count: number
}

/** Of a pool that has all remotes. */
export function firstSlots(count: number): SlotRange {
  return { first: 0, count }
}

export function rangeOf(slots: readonly number[]): SlotRange {
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  for (const slot of slots) {
    first = Math.min(first, slot)
    last = Math.max(last, slot)
  }
  return slots.length === 0 ? { first: 0, count: 0 } : { first, count: last - first + 1 }
}

/** For the range of one pool: with arrays for all slots, a thousand pools would take a thousand times the memory. */
export class SlotNumbers {
  readonly #first: number
  readonly #initial: number
  /** For what concerns all of them. V8 boxes the numbers of a call that is too rare to be inlined. */
  readonly values: Float64Array

  constructor({ count, first }: SlotRange, initial = 0) {
    this.#first = first
    this.#initial = initial
    this.values = new Float64Array(count).fill(initial)
  }

  /** `slot`: in the range. */
  get(slot: number): number {
    return this.values[slot - this.#first] as number
  }

  set(slot: number, value: number): void {
    this.values[slot - this.#first] = value
  }

  /** For `restore`. */
  copy(): Float64Array {
    return this.values.slice()
  }

  restore(copy: Float64Array): void {
    this.values.set(copy)
  }

  /**
   * Takes over the numbers of an older configuration. `slots`: by slot here, the slot there, or NONE; `initial`: for remotes
   * that it does not have.
   */
  continueFrom(before: SlotNumbers, slots: readonly number[], initial: number = this.#initial): void {
    for (let i = 0; i < this.values.length; i++) {
      const there = slots[this.#first + i]
      this.values[i] = (there === undefined ? undefined : before.values[there - before.#first]) ?? initial
    }
  }
}
