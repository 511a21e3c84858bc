/** TCP Fast Open to remotes. */
import type { Outcome } from '../../kernel/calls.js'
import { EAGAIN, EINPROGRESS, EINTR } from '../../kernel/errno.js'
import type { Region } from '../../kernel/region.js'
import type { Session } from '../session.js'

/**
 * Sends the client's first bytes with the SYN: connect(2) returned 0 because the kernel has the remote's cookie and
 * delays the SYN until data is written (tcp(7), TCP_FASTOPEN_CONNECT). The bytes stay held, so that another remote
 * gets them if this one does not answer. Returns what connect(2) would.
 */
export function sendWithSyn({ dialling, relay, remote, toRemote }: Session): Outcome {
  const took = relay.system.calls.send(
    remote.fd,
    toRemote.held as Region,
    toRemote.heldOffset,
    toRemote.heldBytes,
  )
  if (took < 0 && took !== -EAGAIN && took !== -EINTR) return took
  dialling.bytesInSyn = Math.max(0, took)
  return -EINPROGRESS
}

/** The remote has answered: releases the bytes that were sent with the SYN. */
export function settleSyn({ dialling, relay, toRemote }: Session): void {
  const { bytesInSyn } = dialling
  if (bytesInSyn === 0) return
  dialling.bytesInSyn = 0
  toRemote.bytes += bytesInSyn
  toRemote.heldOffset += bytesInSyn
  toRemote.heldBytes -= bytesInSyn
  if (toRemote.heldBytes === 0) toRemote.releaseBlock(relay.blocks)
}
