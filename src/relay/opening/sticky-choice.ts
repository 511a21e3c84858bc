/** The clients of sticky pools. */
import type { Session } from '../session.js'
import type { Stickiness, StickyClient } from '../stickiness.js'
import { hashOfClient, isRecognised } from './client-hash.js'

/** Undefined: nothing distinguishes the client from others, such as those of the same Unix socket. */
export function stickyClient(session: Session, stickiness: Stickiness): StickyClient | undefined {
  const { key, seed } = stickiness
  if (!isRecognised(session, key)) return undefined
  return stickiness.client([hashOfClient(session, key, seed), hashOfClient(session, key, ~seed)])
}
