/** A column of numbers that grows: traces have a number for each connection, and their length is not known before. */

type Numbers = Float64Array | Int32Array

const FIRST_CAPACITY = 1_024

export class GrowingColumn<T extends Numbers> {
  /** The first `count` values are set. */
  values: T
  count = 0
  readonly #make: (capacity: number) => T

  constructor(make: (capacity: number) => T) {
    this.#make = make
    this.values = make(FIRST_CAPACITY)
  }

  push(value: number): void {
    if (this.count === this.values.length) this.#grow()
    this.values[this.count++] = value
  }

  #grow(): void {
    const longer = this.#make(this.values.length * 2)
    longer.set(this.values)
    this.values = longer
  }
}

export function integers(): GrowingColumn<Int32Array> {
  return new GrowingColumn((capacity) => new Int32Array(capacity))
}

/** For times and bytes, which need more than 32 bits. */
export function largeNumbers(): GrowingColumn<Float64Array> {
  return new GrowingColumn((capacity) => new Float64Array(capacity))
}
