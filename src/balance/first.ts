/** The policy `first`: the first usable remote in the order of the configuration, so that the last ones may idle. */
import { NONE, type Policy, type PoolView } from './policy.js'
import type { SlotSet } from './slot-set.js'

/** A remote with a maximum of sessions passes the clients above it on to the next one. Weights other than 0 are ignored. */
export class First implements Policy {
  pick(view: PoolView, tried: SlotSet): number {
    for (let i = 0; i < view.members.length; i++) {
      const slot = view.members[i] as number
      if (!tried.has(slot) && view.isUsable(slot)) return slot
    }
    return NONE
  }
}
