/** Bytes that a client sent before a remote was chosen, or a remote before the loop reported it as connected. */
import type { Outcome } from '../../kernel/calls.js'
import { EAGAIN, EINTR, ENOMEM } from '../../kernel/errno.js'
import type { Region } from '../../kernel/region.js'
import type { Session } from '../session.js'
import { BLOCK_BYTES } from '../transfer/blocks.js'
import { receiveFirst } from '../transfer/messages.js'

/**
 * Receives once before connecting: a client that speaks first has usually sent its request by now, and the bytes then
 * leave with the ACK of the remote's handshake.
 */
export function takeEarlyBytes(session: Session): void {
  const { client, toRemote } = session
  if (client.mustBePlain) client.mayRead = true
  // A ClientHello that is passed through was received to be read.
  else if (toRemote.heldBytes === 0) receiveEarlyBytes(session)
}

/** Receives once and holds the bytes; returns what recv(2) does. */
export function receiveEarlyBytes(session: Session): Outcome {
  const { blocks, system } = session.relay
  const { client, toRemote } = session
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
  return got
}

/**
 * Copies the first bytes of a client: those that are held, then those that a peek adds. Returns their number, or without
 * any what recv(2) does.
 */
export function copyFirstBytes(
  { client, relay, toRemote }: Session,
  into: Region,
  bytesMax: number,
): Outcome {
  const { held } = toRemote
  const heldBytes = Math.min(toRemote.heldBytes, bytesMax)
  if (held !== undefined) into.bytes.set(held.bytes.subarray(0, heldBytes))
  const seen = relay.system.calls.peek(client.fd, into, heldBytes, bytesMax - heldBytes)
  return heldBytes === 0 ? seen : heldBytes + Math.max(seen, 0)
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

/** The remote's socket has taken so many of the held bytes, before the session relays. */
export function countSent({ meteredPool, relay, remoteSlot, toRemote }: Session, byteCount: number): void {
  meteredPool?.observe(remoteSlot, byteCount, relay.loop.nowMs)
  toRemote.bytes += byteCount
  toRemote.heldOffset += byteCount
  toRemote.heldBytes -= byteCount
  if (toRemote.heldBytes === 0) toRemote.releaseBlock(relay.blocks)
}
