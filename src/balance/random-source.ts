/**
 * Random numbers for policies: mulberry32 by Tommy Ettinger (public domain). Not for secrets. Math.random would do, but
 * every number that it returns through a function value is a heap object.
 */
export class RandomSource {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** The seed of a source that continues with the same numbers. */
  get seed(): number {
    return this.#state
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
