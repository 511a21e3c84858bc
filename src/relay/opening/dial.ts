/** The step after the last one that concerns the client alone: its pool, and then a remote or a host. */
import type { Session } from '../session.js'
import { beginAttempts } from './attempts.js'
import { findHost } from './resolving.js'
import { serviceFor } from './routing.js'

export function dial(session: Session): void {
  const service = serviceFor(session)
  if (service === undefined) return
  if (service.hosts === undefined) beginAttempts(session, service, undefined)
  else findHost(session, service, service.hosts)
}
