/** A set of small numbers that is emptied and used again without allocating. */
export class SlotSet {
  #words = new Uint32Array(1)

  has(slot: number): boolean {
    return ((this.#words[slot >>> 5] ?? 0) & (1 << (slot & 31))) !== 0
  }

  add(slot: number): void {
    const index = slot >>> 5
    if (index >= this.#words.length) this.#grow(index + 1)
    this.#words[index] = (this.#words[index] as number) | (1 << (slot & 31))
  }

  clear(): void {
    this.#words.fill(0)
  }

  #grow(length: number): void {
    const words = new Uint32Array(length)
    words.set(this.#words)
    this.#words = words
  }
}
