/** The clients of sticky pools. */
import type { Session } from '../session.js'
import type { Stickiness, StickyClient } from '../stickiness.js'
import { hashOfClient, isRecognised } from './client-hash.js'

/** Made when its first remote is chosen: `dial` runs for every session, and would be too long to be inlined. */
export function stickyClient(session: Session): StickyClient | undefined {
  const { sticky } = session.dialling.service
  if (sticky !== undefined) session.sticky ??= clientOf(session, sticky)
  return session.sticky
}

/** Undefined: nothing distinguishes the client from others, such as those of the same Unix socket. */
function clientOf(session: Session, stickiness: Stickiness): StickyClient | undefined {
  const { key, seed } = stickiness
  if (!isRecognised(session, key)) return undefined
  return stickiness.client([hashOfClient(session, key, seed), hashOfClient(session, key, ~seed)])
}
