/** The order in which the addresses of a remote are tried. */

/** Begins with the address that last answered, so that dead ones are tried last. */
export class AddressOrder {
  readonly #families: readonly string[]
  /** Indices of the addresses. Replaced and never changed: sessions keep the order that they began with. */
  indices: readonly number[]

  /** `families`: of the addresses, best first. */
  constructor(families: readonly string[]) {
    this.#families = families
    this.indices = inTurn(families, 0)
  }

  /** The address with this index is the first one from now on. */
  prefer(index: number): void {
    if (index !== this.indices[0] && index < this.#families.length)
      this.indices = inTurn(this.#families, index)
  }
}

/** All indices, from `first` on, with the families in turn (RFC 8305, section 4) until only one is left. */
function inTurn(families: readonly string[], first: number): readonly number[] {
  const rotated = families.map((_, i) => (first + i) % families.length)
  const isLikeFirst = (index: number) => families[index] === families[first]
  const others = rotated.filter((index) => !isLikeFirst(index))
  const pairs = rotated.filter(isLikeFirst).flatMap((index, i) => [index, ...others.slice(i, i + 1)])
  return [...pairs, ...others.slice(rotated.length - others.length)]
}
