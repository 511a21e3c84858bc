/** Ends the session of a client that gets no service. */
import type { EndReason } from '../phases.js'
import type { Session } from '../session.js'

/** With FIN, not with a reset: unread bytes would turn close(2) into one, and what was sent last would be lost. */
export function closeInOrder(session: Session, reason: EndReason): void {
  const { blocks, system } = session.relay
  system.calls.recv(session.client.fd, blocks.scratch, 0, blocks.scratch.byteLength)
  session.close(reason)
}
