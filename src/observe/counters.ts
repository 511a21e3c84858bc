import { COUNTERS, type CounterName } from '../cells/layout.js'

/** Index of each counter in a child's row: `counters[COUNT.accepted]`. */
export const COUNT = Object.fromEntries(COUNTERS.map((name, index) => [name, index])) as Readonly<
  Record<CounterName, number>
>

/**
 * A count as another process wrote it, which may have been taken over: 0 where it is no count, and never above `max`.
 */
export function countIn(cells: Float64Array, index: number, max = Number.MAX_SAFE_INTEGER): number {
  const value = cells[index] as number
  return value > 0 && value < Number.POSITIVE_INFINITY ? Math.min(value, max) : 0
}

/** Adds to a cell that has one writer: this thread. */
export function add(cells: Float64Array, index: number, amount: number): void {
  cells[index] = (cells[index] as number) + amount
}
