/** Evidence of established sessions: a remote that accepts connections and answers none has failed. */
import type { Session } from '../session.js'

/** The session has ended because of its remote. Counts if the remote had not sent a byte. */
export function reportUnanswered(session: Session): void {
  const { acceptedAtMs, reason, relay, remoteSlot, target, toClient, toRemote } = session
  const { evidence } = relay.remotes
  // A failing host is no evidence about the others of its dynamic route, which share a remote.
  if (toClient.bytes > 0 || target !== undefined || !evidence.countsFailures(remoteSlot)) return
  if (reason === 'remote-reset' && toRemote.bytes > 0)
    evidence.failed(remoteSlot, acceptedAtMs, relay.loop.nowMs, 'reset before its first byte')
  else if (reason === 'remote-tls-error')
    evidence.failed(remoteSlot, acceptedAtMs, relay.loop.nowMs, `TLS: ${session.cause}`)
}
