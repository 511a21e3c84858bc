/** The remotes that a client may get, for policies that look at them more than once: `isUsable` is asked once each. */
import { NONE, type PoolView } from './policy.js'
import type { SlotRange } from './slot-range.js'
import type { SlotSet } from './slot-set.js'

export class Candidates {
  /** The first `count` are set. */
  readonly slots: Int32Array
  count = 0

  constructor({ count }: SlotRange) {
    this.slots = new Int32Array(count)
  }

  /** Finds the usable, untried remotes. `except`: a slot known to be none of them, or NONE. */
  collect(view: PoolView, tried: SlotSet, except = NONE): void {
    let count = 0
    for (let i = 0; i < view.members.length; i++) {
      const slot = view.members[i] as number
      if (slot !== except && !tried.has(slot) && view.isUsable(slot)) this.slots[count++] = slot
    }
    this.count = count
  }

  has(slot: number): boolean {
    for (let i = 0; i < this.count; i++) if (this.slots[i] === slot) return true
    return false
  }
}
