/** Index of spans: which of many spans of positions contain one position. */
import type { Collector } from './name-patterns.js'

/**
 * A segment tree. Every span is the union of at most two nodes per level, and every position is below one node per level:
 * a lookup takes a step per level, however much the spans overlap.
 */
export class SpanIndex {
  readonly #positionCount: number
  /** Node 1 is the root, the children of `n` are `2n` and `2n + 1`, the last `positionCount` nodes are positions. */
  readonly #nodes: (number[] | undefined)[]

  constructor(positionCount: number) {
    this.#positionCount = positionCount
    this.#nodes = new Array<number[] | undefined>(2 * positionCount).fill(undefined)
  }

  /** `to` is not included. Values must be added in ascending order. */
  add(from: number, to: number, value: number): void {
    let low = from + this.#positionCount
    let high = to + this.#positionCount
    while (low < high) {
      if (low % 2 === 1) this.#addTo(low++, value)
      if (high % 2 === 1) this.#addTo(--high, value)
      low >>= 1
      high >>= 1
    }
  }

  /** Passes on ascending lists of the values whose spans contain the position. */
  collect(position: number, into: Collector<readonly number[]>): void {
    for (let node = position + this.#positionCount; node > 0; node >>= 1) {
      const list = this.#nodes[node]
      if (list !== undefined) into.add(list)
    }
  }

  #addTo(node: number, value: number): void {
    const list = this.#nodes[node]
    if (list === undefined) this.#nodes[node] = [value]
    else if (list.at(-1) !== value) list.push(value)
  }
}
