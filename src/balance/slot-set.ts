/** A set of remote slots. */
/** Slots kept in one small integer, which V8 does not box. */
const LOW_SLOTS = 31

/**
 * A reusable set that allocates nothing for small slots. Every dialling session has one and most pools are small, so
 * the bit array, which takes 200 bytes, is made only for slots from LOW_SLOTS on.
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

  delete(slot: number): void {
    const words = this.#words
    if (slot < LOW_SLOTS) this.#low &= ~(1 << slot)
    else if (words !== undefined && slot >>> 5 < words.length)
      words[slot >>> 5] = (words[slot >>> 5] as number) & ~(1 << (slot & 31))
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
