import type { Calls, Fd } from '../kernel/calls.js'
import { AF_UNIX } from '../kernel/constants.js'
import type { MessageCalls } from '../kernel/message-calls.js'
import type { Region } from '../kernel/region.js'
import { IPPROTO_SCTP } from '../kernel/sctp.js'
import { isSctpSocket } from '../kernel/sctp-sockets.js'
import type { SocketKind } from '../kernel/socket-kind.js'

/**
 * Makes a descriptor from a foreign master fit for the relay, and says what it is: a classic one hands over what it
 * has accepted, blocking or not, of any family. `protocol` is what it says of it.
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

/** Leaves the client's address in `peer`, zeros where it has none any more. */
export function findPeer(messages: MessageCalls, fd: Fd, peer: Region): void {
  peer.bytes.fill(0)
  messages.peerAddress(fd, peer)
}
