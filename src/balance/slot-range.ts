/** Which slots the remotes of a pool have, for policies with numbers by slot. */

/** The slots of a pool's remotes are among these. */
export interface SlotRange {
  readonly first: number
  readonly count: number
}

/** Of a pool that has all remotes. */
export function firstSlots(count: number): SlotRange {
  return { first: 0, count }
}

export function rangeOf(slots: readonly number[]): SlotRange {
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  for (const slot of slots) {
    first = Math.min(first, slot)
    last = Math.max(last, slot)
  }
  return slots.length === 0 ? { first: 0, count: 0 } : { first, count: last - first + 1 }
}
