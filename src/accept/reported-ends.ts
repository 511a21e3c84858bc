/** The limits of single listeners in a child whose master accepts; `broker-places.ts` is the master's side. */
import type { OpenedCells } from '../cells/cells.js'
import { CounterTable } from '../observe/counters.js'
import { type ListenerPlaces, type ListenerWithLimit, limitedRows } from './listener-places.js'

/** Reports to the master, in the cells, how many sessions of each listener have ended. The master takes the places. */
export class ReportedEnds implements ListenerPlaces {
  readonly #ended: CounterTable

  constructor(listeners: readonly ListenerWithLimit[], cells: OpenedCells, childSlot: number) {
    this.#ended = new CounterTable(cells.listenersEndedOf(childSlot), 1, limitedRows(listeners))
  }

  take(): boolean {
    return true
  }

  giveBack(slot: number): boolean {
    this.#ended.add(slot, 0, 1)
    return false
  }

  hasRoom(): boolean {
    return true
  }
}
