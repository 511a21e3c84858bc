/** Collects networks in ascending order as ranges, in one growing array. */

const BYTES = 16
const ENTRY_BYTES = 2 * BYTES
const FIRST_ENTRIES = 64

export class RangeCollector {
  /** First and last address of each range, as in `RuleEntries`. */
  #bounds = new Uint8Array(FIRST_ENTRIES * ENTRY_BYTES)
  #length = 0

  get isEmpty(): boolean {
    return this.#length === 0
  }

  get bounds(): Uint8Array {
    return this.#bounds.slice(0, this.#length)
  }

  /** A network that follows the last one directly extends its range. `bits`: the length of the prefix. */
  add(address: Uint8Array, bits: number): void {
    if (!this.#isNext(address)) this.#append(address)
    const last = this.#length - BYTES
    for (let i = 0; i < BYTES; i++) this.#bounds[last + i] = (address[i] as number) | hostBits(bits - i * 8)
  }

  #append(address: Uint8Array): void {
    if (this.#length === this.#bounds.length) {
      const grown = new Uint8Array(this.#length * 2)
      grown.set(this.#bounds)
      this.#bounds = grown
    }
    this.#bounds.set(address, this.#length)
    this.#length += ENTRY_BYTES
  }

  /** Whether the address is the one behind the last range. */
  #isNext(address: Uint8Array): boolean {
    if (this.isEmpty) return false
    const last = this.#length - BYTES
    let i = BYTES - 1
    while (i >= 0 && this.#bounds[last + i] === 0xff && address[i] === 0) i--
    if (i < 0 || address[i] !== (this.#bounds[last + i] as number) + 1) return false
    for (i--; i >= 0; i--) if (address[i] !== this.#bounds[last + i]) return false
    return true
  }
}

/** The bits of a byte that are behind a prefix; `bits`: of the prefix in this byte, any number. */
function hostBits(bits: number): number {
  return bits <= 0 ? 0xff : bits >= 8 ? 0 : 0xff >> bits
}
