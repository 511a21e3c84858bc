/** TCP Fast Open to remotes. */
import type { Outcome } from '../../kernel/calls.js'
import { EAGAIN, EINPROGRESS, EINTR } from '../../kernel/errno.js'
import type { Region } from '../../kernel/region.js'
import type { Session } from '../session.js'
import { countSent } from './early-bytes.js'
import { sendHeaderAnd } from './send-proxy-header.js'
import { targetOf } from './target-address.js'

/**
 * Sends the first bytes with the SYN: connect(2) returned 0 because the kernel has the remote's cookie and delays the SYN
 * until data is written (tcp(7), TCP_FASTOPEN_CONNECT). The client's bytes stay held, so that another remote gets them if
 * this one does not answer. Returns what connect(2) would.
 */
export function sendWithSyn(session: Session): Outcome {
  const { dialling, relay, remote, toRemote } = session
  const { sendProxy } = targetOf(session).options
  const took =
    sendProxy === undefined
      ? relay.system.calls.send(remote.fd, toRemote.held as Region, toRemote.heldOffset, toRemote.heldBytes)
      : sendHeaderAnd(session, sendProxy)
  if (took < 0 && took !== -EAGAIN && took !== -EINTR) return took
  dialling.bytesInSyn = Math.max(0, took)
  return -EINPROGRESS
}

/** The remote has answered: releases the bytes that were sent with the SYN. */
export function settleSyn(session: Session): void {
  const { dialling } = session
  const { bytesInSyn } = dialling
  if (bytesInSyn === 0) return
  dialling.bytesInSyn = 0
  countSent(session, bytesInSyn)
}
