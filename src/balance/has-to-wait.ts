/** Whether a client has to wait although a remote may have room. Pure: time is an argument. */
import { NONE } from './policy.js'
import type { Pool } from './pool.js'
import type { SlotSet } from './slot-set.js'

/**
 * A new client does not overtake those that wait. One that has tried all usable remotes has nothing to wait for.
 * `hasTried`: whether `tried` has any; `isWaitedFor`: whether clients wait for remotes of the pool.
 */
export function hasToWait(
  pool: Pool,
  tried: SlotSet,
  hasTried: boolean,
  isWaitedFor: boolean,
  nowMs: number,
): boolean {
  return isWaitedFor && (!hasTried || pool.outlook(tried, nowMs) !== NONE)
}
