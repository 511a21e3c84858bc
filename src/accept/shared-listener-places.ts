/** The limits of single listeners where the processes that accept from them relay as well. */
import type { OpenedCells } from '../cells/cells.js'
import { listenerPlace } from '../cells/layout.js'
import { Places } from '../cells/places.js'
import { type ListenerPlaces, type ListenerWithLimit, limitedRows } from './listener-places.js'

/** Counts in the cells: other processes accept from the same listeners, and older generations did. */
export class SharedListenerPlaces implements ListenerPlaces {
  readonly #places: Places
  /** By slot of the listener; undefined: it has no limit. */
  readonly #limited: readonly (number | undefined)[]

  constructor(listeners: readonly ListenerWithLimit[], cells: OpenedCells) {
    this.#places = new Places(cells, cells.own)
    this.#limited = limitedRows(listeners).map((row) =>
      row === undefined ? undefined : listenerPlace(cells.layout.shape, row),
    )
  }

  take(slot: number): boolean {
    const place = this.#limited[slot]
    return place === undefined || this.#places.take(place)
  }

  giveBack(slot: number): boolean {
    const place = this.#limited[slot]
    if (place === undefined) return false
    const wasFull = !this.#places.hasRoom(place)
    this.#places.giveBack(place)
    return wasFull
  }

  hasRoom(slot: number): boolean {
    const place = this.#limited[slot]
    return place === undefined || this.#places.hasRoom(place)
  }
}
