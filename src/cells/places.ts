/** Places of sessions: the numbers in `use`, as a worker changes them. `layout.ts` lists what has places. */
import type { Cells, ChildCells } from './cells.js'
import { NO_LIMIT } from './layout.js'

/** A worker takes a place for each session, and gives it back at the session's end. Places are identified by index. */
export class Places {
  readonly #use: Int32Array
  readonly #useMax: Int32Array
  readonly #own: Int32Array

  constructor({ use, useMax }: Pick<Cells, 'use' | 'useMax'>, own: Pick<ChildCells, 'use'>) {
    this.#use = use
    this.#useMax = useMax
    this.#own = own.use
  }

  /** Takes one, unless all are taken: workers that want the last one at the same time get it once. */
  take(place: number): boolean {
    const max = this.#useMax[place] as number
    if (max === NO_LIMIT) Atomics.add(this.#use, place, 1)
    else if (!this.#takeBelow(place, max)) return false
    this.#own[place] = (this.#own[place] as number) + 1
    return true
  }

  giveBack(place: number): void {
    Atomics.sub(this.#use, place, 1)
    this.#own[place] = (this.#own[place] as number) - 1
  }

  /** A session moves to another worker; its place remains taken. */
  handOver(place: number): void {
    this.#own[place] = (this.#own[place] as number) - 1
  }

  /** The same, for the worker that receives the session. */
  takeOver(place: number): void {
    this.#own[place] = (this.#own[place] as number) + 1
  }

  /** Sessions of all workers. */
  countOf(place: number): number {
    return this.#use[place] as number
  }

  hasRoom(place: number): boolean {
    return (this.#use[place] as number) < (this.#useMax[place] as number)
  }

  #takeBelow(place: number, max: number): boolean {
    for (;;) {
      const taken = Atomics.load(this.#use, place)
      if (taken >= max) return false
      if (Atomics.compareExchange(this.#use, place, taken, taken + 1) === taken) return true
    }
  }
}
