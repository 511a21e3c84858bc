import type { Outcome } from '../../kernel/calls.js'
import { EAGAIN, EINPROGRESS, EINTR } from '../../kernel/errno.js'
import type { Region } from '../../kernel/region.js'
import type { Session } from '../session.js'

/**
 * The kernel knows the remote's cookie, and its SYN waits for bytes that it may take along (tcp(7),
 * TCP_FASTOPEN_CONNECT): the client's first ones, as many as fit. They stay held, for another remote gets them again if
 * this one does not answer. Answers as connect(2) does.
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

/** The remote has answered: what went with the SYN is the kernel's to deliver. */
export function settleSyn({ dialling, relay, toRemote }: Session): void {
  const { bytesInSyn } = dialling
  if (bytesInSyn === 0) return
  dialling.bytesInSyn = 0
  toRemote.bytes += bytesInSyn
  toRemote.heldOffset += bytesInSyn
  toRemote.heldBytes -= bytesInSyn
  if (toRemote.heldBytes === 0) toRemote.releaseBlock(relay.blocks)
}
