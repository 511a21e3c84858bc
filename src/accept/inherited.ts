/** Descriptors that a classic master passes: what kind they are, and which peer is connected. */
import type { Calls, Fd } from '../kernel/calls.js'
import { AF_UNIX } from '../kernel/constants.js'
import type { MessageCalls } from '../kernel/message-calls.js'
import type { Region } from '../kernel/region.js'
import { IPPROTO_SCTP } from '../kernel/sctp.js'
import { isSctpSocket } from '../kernel/sctp-sockets.js'
import type { SocketKind } from '../kernel/socket-kind.js'

/**
 * Prepares a descriptor that a classic master passed, and returns its kind: it may be blocking and of any family.
 * `protocol` is the number in the ACCEPT message.
 */
export function prepareInherited(
  calls: Calls,
  messages: MessageCalls,
  fd: Fd,
  protocol: number,
  peer: Region,
): SocketKind {
  messages.setNonBlocking(fd)
  findPeer(messages, fd, peer)
  if (peer.bytes[0] === AF_UNIX) return 'unix'
  if (protocol !== IPPROTO_SCTP || !isSctpSocket(calls, fd)) return 'tcp'
  calls.sctp.setUp(fd, { streams: 0, heartbeatMs: undefined })
  return 'sctp'
}

/** Writes the client's address to `peer`; zeros if the client has disconnected. */
export function findPeer(messages: MessageCalls, fd: Fd, peer: Region): void {
  peer.bytes.fill(0)
  messages.peerAddress(fd, peer)
}
