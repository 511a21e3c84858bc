/** The choice of a remote for a client of a sticky pool: the one that it had, or else what the policy says. */
import { FULL, NONE } from './policy.js'
import type { Pool } from './pool.js'
import type { SlotSet } from './slot-set.js'

/** What is known of the client. */
export interface ClientMemory {
  /** The slot of the remote that it had, or NONE. */
  remote(nowMs: number): number
  /** It gets another remote than it had. */
  chose(slot: number, nowMs: number): void
}

/** As `pick` of a pool. */
export function pickSticky(
  pool: Pool,
  client: ClientMemory,
  tried: SlotSet,
  nowMs: number,
  key: number,
): number {
  const before = client.remote(nowMs)
  if (before !== NONE && !tried.has(before) && pool.keeps(before, nowMs)) return before
  const slot = pool.pick(tried, nowMs, key)
  if (slot !== NONE && slot !== FULL) client.chose(slot, nowMs)
  return slot
}
