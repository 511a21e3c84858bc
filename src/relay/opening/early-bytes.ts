/** Bytes that a client sent before a remote was chosen, or a remote before the loop reported it as connected. */
import { EAGAIN, EINTR, ENOMEM } from '../../kernel/errno.js'
import type { Session } from '../session.js'
import { BLOCK_BYTES } from '../transfer/blocks.js'
import { receiveFirst } from '../transfer/messages.js'

/**
 * Receives once before connecting: a client that speaks first has usually sent its request by now, and the bytes then
 * leave with the ACK of the remote's handshake.
 */
export function takeEarlyBytes(session: Session): void {
  const { blocks, system } = session.relay
  const { client, toRemote } = session
  if (client.mustBePlain) {
    client.mayRead = true
    return
  }
  const got = receiveFirst(toRemote, system.calls, blocks)
  if (got > 0) {
    const block = blocks.keepScratch()
    if (block === undefined) client.fail(ENOMEM)
    else toRemote.hold(block, 0, got)
    // There may be more bytes, or a FIN, which the loop does not report again.
    if (client.transport.shortReadDrains)
      client.mayRead = got === BLOCK_BYTES || client.hasPeerEnded || client.hasUrgent
  } else if (got === 0) {
    toRemote.hasEnded = true
  } else if (got === -EINTR) {
    client.mayRead = true
  } else if (got !== -EAGAIN) {
    client.fail(-got)
  }
}

/**
 * Whether a remote that failed before the loop reported it as connected has sent bytes: a server may reject clients
 * with a message, which is passed on. A refused connection has none. Not for TLS, whose bytes need the handshake.
 */
export function hasSentBytes(session: Session): boolean {
  const { blocks, system } = session.relay
  const got = receiveFirst(session.toClient, system.calls, blocks)
  const block = got > 0 ? blocks.keepScratch() : undefined
  if (block !== undefined) session.toClient.hold(block, 0, got)
  return block !== undefined
}
