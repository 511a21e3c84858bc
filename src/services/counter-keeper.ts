/** What this service has counted since the head started, whatever became of the processes that counted. */
import {
  COUNTERS,
  type CounterName,
  LISTENER_COUNTERS,
  type ListenerCounterName,
  REMOTE_COUNTERS,
  type RemoteCounterName,
} from '../cells/layout.js'
import { countIn } from '../observe/counters.js'

/** A table of counters that another thread or process writes, and the names that its rows belong to. */
export interface NamedRows {
  readonly cells: Float64Array
  readonly names: readonly string[]
  /** The row of each name. */
  readonly slots: readonly number[]
}

/** All that one child counts. */
export interface CountedRows {
  /** In the order of COUNTERS. */
  readonly counters: Float64Array
  /** Rows of LISTENER_COUNTERS. */
  readonly listeners: NamedRows
  /** Rows of REMOTE_COUNTERS. */
  readonly remotes: NamedRows
}

type Counts<Name extends string> = Readonly<Record<Name, number>>

/** Of names that nobody has counted for. */
export const NO_LISTENER_COUNTS: Counts<ListenerCounterName> = zeroOf(LISTENER_COUNTERS)
export const NO_REMOTE_COUNTS: Counts<RemoteCounterName> = zeroOf(REMOTE_COUNTERS)

function zeroOf<Name extends string>(columns: readonly Name[]): Counts<Name> {
  return Object.fromEntries(columns.map((column) => [column, 0])) as Record<Name, number>
}

/** Sums of all children since the head started; of gauges (`…Now`) those of the present ones. */
export interface CounterSums {
  readonly process: Counts<CounterName>
  readonly listeners: ReadonlyMap<string, Counts<ListenerCounterName>>
  readonly remotes: ReadonlyMap<string, Counts<RemoteCounterName>>
}

/**
 * Adds up what children count, so that no sum ever decreases: the counts of a child are kept when it ends,
 * and if a child writes less than before, its highest value counts. Totals are keyed by name, so that they
 * survive reloads, other slots and new memory. They are kept as long as the process lives, except those of the oldest of very many
 * members that have gone; a name that returns continues its sum.
 */
export class CounterKeeper {
  readonly #process = new Totals(COUNTERS)
  readonly #listeners = new Totals(LISTENER_COUNTERS)
  readonly #remotes = new Totals(REMOTE_COUNTERS)

  /** Rows count from now on. They must stay readable until `end` has returned. */
  begin(rows: CountedRows): CountedRows {
    this.#process.begin({ cells: rows.counters, names: [''], slots: [0] })
    this.#listeners.begin(rows.listeners)
    this.#remotes.begin(rows.remotes)
    return rows
  }

  /** The counters of a master's own reactor, for as long as the process lives. Its gauges are those of its children. */
  beginMaster(counters: Float64Array): void {
    this.#process.begin({ cells: counters, names: [''], slots: [0] }, false)
  }

  /** The row of a remote slot counts for another name from now on. */
  renameRemote(rows: CountedRows, slot: number, name: string): void {
    this.#remotes.rename(rows.remotes.cells, slot, name)
  }

  /** Their writer has ended: its last values are added to the totals. The rows are not read afterwards. */
  end(rows: CountedRows): void {
    this.#process.end(rows.counters)
    this.#listeners.end(rows.listeners.cells)
    this.#remotes.end(rows.remotes.cells)
  }

  read(): CounterSums {
    return {
      process: this.#process.read().get('') ?? zeroOf(COUNTERS),
      listeners: this.#listeners.read(),
      remotes: this.#remotes.read(),
    }
  }
}

/** Names of remotes that have gone, whose sums are kept one by one; those of older ones are one sum. */
const FORMER_MAX = 10_000
const FORMER = 'former members'

/** Rows that are counted. */
interface Present extends NamedRows {
  readonly hasGauges: boolean
  readonly names: string[]
  /** The highest that was ever read of each cell; undefined until somebody reads. */
  highest: Float64Array | undefined
  /** By cell: what has been added to the totals of another name already; undefined: no row has had another one. */
  counted: Float64Array | undefined
}

/** Counters by name, for tables with the same columns. */
class Totals<Name extends string> {
  readonly #columns: readonly Name[]
  /** Of those that have ended, in the order of the columns. */
  readonly #kept = new Map<string, Float64Array>()
  /** By their cells. */
  readonly #present = new Map<Float64Array, Present>()

  constructor(columns: readonly Name[]) {
    this.#columns = columns
  }

  begin(rows: NamedRows, hasGauges = true): void {
    const names = [...rows.names]
    this.#present.set(rows.cells, { ...rows, names, hasGauges, highest: undefined, counted: undefined })
  }

  end(cells: Float64Array): void {
    const present = this.#present.get(cells)
    if (present === undefined) return
    this.#present.delete(cells)
    this.#addTo(this.#kept, present, false)
  }

  rename(cells: Float64Array, slot: number, name: string): void {
    const present = this.#present.get(cells)
    const row = present?.slots.indexOf(slot) ?? -1
    if (present === undefined || row < 0 || present.names[row] === name) return
    this.#addRow(this.#kept, present, row, false)
    present.counted ??= new Float64Array(cells.length)
    for (const [index, column] of this.#columns.entries()) {
      const at = slot * this.#columns.length + index
      present.counted[at] = isSum(column) ? highestAt(present, at) : 0
    }
    present.names[row] = name
    this.#limitFormer()
  }

  /** The oldest first; what is configured is there again with the next child. */
  #limitFormer(): void {
    if (this.#kept.size <= FORMER_MAX) return
    const present = new Set([...this.#present.values()].flatMap(({ names }) => names))
    const former = this.#kept.get(FORMER) ?? new Float64Array(this.#columns.length)
    for (const [name, counts] of this.#kept) {
      if (this.#kept.size <= FORMER_MAX / 2) break
      if (name === FORMER || present.has(name)) continue
      for (const [i, count] of counts.entries()) former[i] = sum(former[i] as number, count)
      this.#kept.delete(name)
    }
    this.#kept.set(FORMER, former)
  }

  read(): ReadonlyMap<string, Counts<Name>> {
    const totals = new Map([...this.#kept].map(([name, row]) => [name, row.slice()]))
    for (const present of this.#present.values()) this.#addTo(totals, present, present.hasGauges)
    return new Map([...totals].map(([name, row]) => [name, this.#named(row)]))
  }

  #addTo(totals: Map<string, Float64Array>, present: Present, hasGauges: boolean): void {
    for (const row of present.names.keys()) this.#addRow(totals, present, row, hasGauges)
  }

  #addRow(totals: Map<string, Float64Array>, present: Present, row: number, hasGauges: boolean): void {
    const { length } = this.#columns
    const name = present.names[row] as string
    const total = totals.get(name) ?? new Float64Array(length)
    totals.set(name, total)
    const offset = (present.slots[row] as number) * length
    for (const [index, column] of this.#columns.entries()) {
      if (hasGauges || isSum(column))
        total[index] = sum(total[index] as number, countAt(present, offset + index, column))
    }
  }

  #named(row: Float64Array): Counts<Name> {
    return Object.fromEntries(this.#columns.map((column, i) => [column, row[i]])) as Record<Name, number>
  }
}

/** False for gauges, which end with the process that writes them. */
function isSum(column: string): boolean {
  return !column.endsWith('Now')
}

function countAt(present: Present, at: number, column: string): number {
  if (!isSum(column)) return wholeAt(present, at)
  return highestAt(present, at) - (present.counted?.[at] ?? 0)
}

/** Allocated by the first reader: most processes never read their sums. */
function highestAt(present: Present, at: number): number {
  present.highest ??= new Float64Array(present.cells.length)
  const { highest } = present
  highest[at] = Math.max(highest[at] as number, wholeAt(present, at))
  return highest[at] as number
}

/** A whole number, so that sums do not depend on the order in which they are made. */
function wholeAt({ cells }: Present, at: number): number {
  return Math.floor(countIn(cells, at))
}

/**
 * Above this, whole numbers are not exact. A child that writes huge values stops the sum and cannot change it
 * otherwise.
 */
function sum(a: number, b: number): number {
  return Math.min(a + b, Number.MAX_SAFE_INTEGER)
}
