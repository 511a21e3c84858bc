/** The choice of the next remote for a client, with a place of it. */
import { hasToWait } from '../../balance/has-to-wait.js'
import { pickSticky } from '../../balance/pick-sticky.js'
import { FULL, NONE } from '../../balance/policy.js'
import type { Session } from '../session.js'
import { stickyClient } from './sticky-choice.js'

/** Clients that wait in any worker come first. */
export function mustQueue({ dialling, relay }: Session): boolean {
  const { hasTried, pool, service, tried } = dialling
  return hasToWait(pool, tried, hasTried, service.queue?.isWaitedIn === true, relay.loop.nowMs)
}

/** Picks a remote and takes a place of it: its slot, NONE or FULL. */
export function pickAndTake(session: Session): number {
  const slot = pickAndTakeUnnoted(session)
  session.relay.decisions?.note(session, slot)
  return slot
}

function pickAndTakeUnnoted(session: Session): number {
  const { health, loop, remotes } = session.relay
  const { key, pool, tried } = session.dialling
  const sticky = stickyClient(session)
  // Another worker may take the last place after `pick` has seen it: then the remote is full, and the next one is picked.
  for (let picks = 0; picks <= pool.members.length; picks++) {
    const slot =
      sticky === undefined
        ? pool.pick(tried, loop.nowMs, key)
        : pickSticky(pool, sticky, tried, loop.nowMs, key)
    if (slot === NONE || slot === FULL || remotes.take(slot)) return slot
    // `pick` has let this client probe it.
    if (health.isFailing(slot)) health.endBackOff(slot)
  }
  return FULL
}
