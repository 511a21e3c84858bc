/** Merges ascending lists of numbers into one ascending sequence without duplicates. */

/** Meant for few lists: each step looks at the head of every list. Reused, it allocates nothing once it has grown. */
export class AscendingMerge {
  readonly #lists: (readonly number[])[] = []
  /** By list, the index of its first number that was not returned yet. */
  readonly #heads: number[] = []
  #count = 0

  clear(): void {
    this.#count = 0
  }

  /** Only before the first `next`. The list must not be empty. */
  add(list: readonly number[]): void {
    this.#lists[this.#count] = list
    this.#heads[this.#count] = 0
    this.#count += 1
  }

  /** The next number; -1 at the end. */
  next(): number {
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < this.#count; i++) least = Math.min(least, this.#head(i))
    if (this.#count === 0) return -1
    // Downwards: `#advance` may move the last list to `i`, and that list has been checked already.
    for (let i = this.#count - 1; i >= 0; i--) if (this.#head(i) === least) this.#advance(i)
    return least
  }

  #head(i: number): number {
    return (this.#lists[i] as readonly number[])[this.#heads[i] as number] as number
  }

  /** Moves the last list to the place of one that is exhausted. */
  #advance(i: number): void {
    const head = (this.#heads[i] as number) + 1
    this.#heads[i] = head
    if (head < (this.#lists[i] as readonly number[]).length) return
    this.#count -= 1
    this.#lists[i] = this.#lists[this.#count] as readonly number[]
    this.#heads[i] = this.#heads[this.#count] as number
  }
}
