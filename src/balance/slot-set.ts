/** Slots of a number that is kept unboxed. */
const LOW_SLOTS = 31

/**
 * A set of small numbers that is emptied and used again without allocating. There is one in every session, and most
 * pools are small: an array of bits takes 200 bytes, so it is made for the slots beyond the first ones only.
 */
export class SlotSet {
  #low = 0
  #words: Uint32Array | undefined = undefined

  has(slot: number): boolean {
    if (slot < LOW_SLOTS) return (this.#low & (1 << slot)) !== 0
    return ((this.#words?.[slot >>> 5] ?? 0) & (1 << (slot & 31))) !== 0
  }

  add(slot: number): void {
    if (slot < LOW_SLOTS) this.#low |= 1 << slot
    else this.#addHigh(slot)
  }

  clear(): void {
    this.#low = 0
    this.#words?.fill(0)
  }

  #addHigh(slot: number): void {
    const index = slot >>> 5
    const words = this.#wordsFor(index)
    words[index] = (words[index] as number) | (1 << (slot & 31))
  }

  #wordsFor(index: number): Uint32Array {
    const words = this.#words
    if (words !== undefined && index < words.length) return words
    const longer = new Uint32Array(index + 1)
    if (words !== undefined) longer.set(words)
    this.#words = longer
    return longer
  }
}
