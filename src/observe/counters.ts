/** Counting in the tables of the cells, and reading what another process has counted. */
import type { LimitEnd } from '../base/limit-words.js'
import type { ChildCells } from '../cells/cells.js'
import {
  COUNTERS,
  type CounterName,
  LISTENER_COUNTERS,
  type ListenerCounterName,
  REMOTE_COUNTERS,
  type RemoteCounterName,
} from '../cells/layout.js'

/** Index of each counter in a child's row: `counters[COUNT.accepted]`. */
export const COUNT: Readonly<Record<CounterName, number>> = indexOfEach(COUNTERS)

/** The same in the row of a listener, and in that of a remote. */
export const LISTENER_COUNT: Readonly<Record<ListenerCounterName, number>> = indexOfEach(LISTENER_COUNTERS)
export const REMOTE_COUNT: Readonly<Record<RemoteCounterName, number>> = indexOfEach(REMOTE_COUNTERS)

/** The counter of clients that a limit rejects. */
export const LIMIT_COUNTS: Readonly<Record<LimitEnd, number>> = {
  'limit-connections': COUNT.limitedConnections,
  'limit-rate': COUNT.limitedRate,
  'limit-timeout': COUNT.limitTimeouts,
  banned: COUNT.banned,
}

function indexOfEach<Name extends string>(names: readonly Name[]): Readonly<Record<Name, number>> {
  return Object.fromEntries(names.map((name, index) => [name, index])) as Record<Name, number>
}

/** A count written by another process, which may be compromised: clamped to 0 … `max`, 0 for NaN and infinity. */
export function countIn(cells: Float64Array, index: number, max = Number.MAX_SAFE_INTEGER): number {
  const value = cells[index] as number
  return value > 0 && value < Number.POSITIVE_INFINITY ? Math.min(value, max) : 0
}

/** Adds to a cell whose only writer is this thread. */
export function add(cells: Float64Array, index: number, amount: number): void {
  cells[index] = (cells[index] as number) + amount
}

/** Rows of counters, one for each listener or remote, that have one writer: this thread. */
export class CounterTable {
  readonly #cells: Float64Array
  /** Where the row of each one begins. */
  readonly #offsets: readonly (number | undefined)[]

  /** `columns`: counters in a row; `slots`: the row of each one, or undefined. Nothing is counted for others. */
  constructor(cells: Float64Array, columns: number, slots: readonly (number | undefined)[]) {
    this.#cells = cells
    this.#offsets = slots.map((slot) => (slot === undefined ? undefined : slot * columns))
  }

  add(of: number, index: number, amount: number): void {
    const offset = this.#offsets[of]
    if (offset !== undefined) add(this.#cells, offset + index, amount)
  }
}

/** The tables that a child counts in; `listenerSlots`: rows of its listeners, in the order of the configuration. */
export function counterTables(rows: ChildCells, listenerSlots: readonly number[]) {
  const { counters, listenerCounters, remoteCounters, retryAtMs } = rows
  return {
    counters,
    listenerCounters: new CounterTable(listenerCounters, LISTENER_COUNTERS.length, listenerSlots),
    remoteCounters: new CounterTable(remoteCounters, REMOTE_COUNTERS.length, [...retryAtMs.keys()]),
  }
}
