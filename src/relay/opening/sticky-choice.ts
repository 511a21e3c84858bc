/** The choice of a remote for a client of a sticky pool: the one that it had, or else what the policy says. */
import { FULL, NONE } from '../../balance/policy.js'
import type { Session } from '../session.js'
import type { Stickiness, StickyClient } from '../stickiness.js'
import { hashOfClient, isRecognised } from './client-hash.js'

/** As `pick` of a pool. */
export function pickSticky(session: Session, stickiness: Stickiness): number {
  const { dialling, relay } = session
  const { key, pool, tried } = dialling
  const { nowMs } = relay.loop
  session.sticky ??= clientOf(session, stickiness)
  const client = session.sticky
  const before = client === undefined ? NONE : client.remote(nowMs)
  if (before !== NONE && !tried.has(before) && pool.keeps(before, nowMs)) return before
  const slot = pool.pick(tried, nowMs, key)
  if (slot !== NONE && slot !== FULL) client?.chose(slot, nowMs)
  return slot
}

/** Undefined: nothing distinguishes the client from others, such as those of the same Unix socket. */
function clientOf(session: Session, stickiness: Stickiness): StickyClient | undefined {
  const { key, seed } = stickiness
  if (!isRecognised(session, key)) return undefined
  return stickiness.client([hashOfClient(session, key, seed), hashOfClient(session, key, ~seed)])
}
