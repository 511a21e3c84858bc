/** Whether a second remote may be dialled beside the current attempt, and which one. */
import { NONE } from '../../balance/policy.js'
import type { Session } from '../session.js'
import { isAtLimit } from './attempt-limits.js'
import { targetOf } from './target-address.js'

/**
 * A hedge is an attempt like a retry, and has a budget beside that. Waiting clients come first. What is sent with a SYN must
 * not be sent twice.
 */
export function mayHedge(session: Session): boolean {
  const { hedging, queue } = session.dialling.service
  const { options } = targetOf(session)
  if (hedging === undefined || session.dialling.parallel.count > 0 || options.isFastOpen) return false
  return queue?.isWaitedIn !== true && !isAtLimit(session) && hedging.allows(session.relay.loop.nowMs)
}

/** Picks another remote, which is up, and takes a place of it: its slot, or NONE. */
export function pickForHedge(session: Session): number {
  const { decisions, health, loop, remotes } = session.relay
  const { key, pool, tried } = session.dialling
  const slot = pool.pickUsable(tried, loop.nowMs, key)
  decisions?.note(session, slot)
  if (slot === NONE) return NONE
  const isTaken = remotes.take(slot)
  if (isTaken && !remotes.at(slot).options.isFastOpen) return slot
  if (isTaken) remotes.giveBack(slot)
  // `pickUsable` has let this client probe it.
  if (health.isFailing(slot)) health.endBackOff(slot)
  return NONE
}
