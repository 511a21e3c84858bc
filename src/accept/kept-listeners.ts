/** Listeners that stay open across a reload: the one mapping that the control thread and every reactor apply. */

/** New slot by old slot, of each listener that stays. Plain data: it crosses to the reactors as it is. */
export type KeptListeners = ReadonlyMap<number, number>

export const NONE_KEPT: KeptListeners = new Map()

/** Sorts the listeners of an old configuration. Both maps belong to the caller, which empties the old one. */
export function splitListeners<T>(
  listeners: ReadonlyMap<number, T>,
  kept: KeptListeners,
): {
  /** Those that stay, by their new slots. */
  readonly staying: Map<number, T>
  /** The others, by their old slots. */
  readonly abandoned: Map<number, T>
} {
  const staying = new Map<number, T>()
  const abandoned = new Map<number, T>()
  for (const [slot, listener] of listeners) {
    const newSlot = kept.get(slot)
    if (newSlot === undefined) abandoned.set(slot, listener)
    else staying.set(newSlot, listener)
  }
  return { staying, abandoned }
}
