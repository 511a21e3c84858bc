import { COUNTERS, type CounterName } from '../cells/layout.js'

/** Index of each counter in a child's row: `counters[COUNT.accepted]`. */
export const COUNT = Object.fromEntries(COUNTERS.map((name, index) => [name, index])) as Readonly<
  Record<CounterName, number>
>

/** Adds to a cell that has one writer: this thread. */
export function add(cells: Float64Array, index: number, amount: number): void {
  cells[index] = (cells[index] as number) + amount
}
