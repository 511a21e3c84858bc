/** The limits of single listeners (`max connections`). */

/**
 * A place is taken before a client is accepted, so that clients beyond the limit wait in the kernel's queue. `slot`: of
 * the listener. Listeners without a limit always have room.
 */
export interface ListenerPlaces {
  /** False if all places of the listener are taken. */
  take(slot: number): boolean
  /** The session has ended, or nobody was accepted. Returns whether there was no other place. */
  giveBack(slot: number): boolean
  hasRoom(slot: number): boolean
}

/** The limit of a listener in the plan. */
export interface ListenerWithLimit {
  /** Infinity: none. */
  readonly maxConnections: number
  /** Index of its rows in the cells. */
  readonly countersSlot: number
}

/** By slot of the listener: the index of its rows in the cells; undefined: it has no limit. */
export function limitedRows(listeners: readonly ListenerWithLimit[]): readonly (number | undefined)[] {
  return listeners.map(({ countersSlot, maxConnections }) =>
    maxConnections === Number.POSITIVE_INFINITY ? undefined : countersSlot,
  )
}
