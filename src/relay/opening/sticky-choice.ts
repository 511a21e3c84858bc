/** The choice of a remote for a client of a sticky pool: the one that it had, or else what the policy says. */
import { FULL, NONE } from '../../balance/policy.js'
import type { Session } from '../session.js'
import { type Stickiness, StickyClient } from '../stickiness.js'
import { hashOfClient, isRecognised } from './client-hash.js'

/** Undefined: nothing distinguishes the client from others, such as those of the same Unix socket. */
export function stickyClient(session: Session, stickiness: Stickiness): StickyClient | undefined {
  const { key, seed } = stickiness
  if (!isRecognised(session, key)) return undefined
  return new StickyClient(stickiness, hashOfClient(session, key, seed), hashOfClient(session, key, ~seed))
}

/** As `pick` of a pool. */
export function pickSticky({ dialling, relay }: Session, client: StickyClient): number {
  const { key, pool, tried } = dialling
  const { nowMs } = relay.loop
  const before = client.remote(nowMs)
  if (before !== NONE && !tried.has(before) && pool.keeps(before, nowMs)) return before
  const slot = pool.pick(tried, nowMs, key)
  if (slot !== NONE && slot !== FULL) client.chose(slot, nowMs)
  return slot
}
