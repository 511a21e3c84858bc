import type { Fd } from '../kernel/calls.js'
import { AF_UNIX } from '../kernel/constants.js'
import type { MessageCalls } from '../kernel/message-calls.js'
import type { Region } from '../kernel/region.js'

/**
 * Makes a descriptor from a foreign master fit for the relay: a classic one hands over what it has accepted,
 * blocking or not, of any family.
 */
export function prepareInherited(messages: MessageCalls, fd: Fd, peer: Region): void {
  messages.setNonBlocking(fd)
  findPeer(messages, fd, peer)
}

/** Leaves the client's address in `peer`, zeros where it has none any more. */
export function findPeer(messages: MessageCalls, fd: Fd, peer: Region): void {
  peer.bytes.fill(0)
  messages.peerAddress(fd, peer)
}

export function isUnixAddress(peer: Region): boolean {
  return peer.bytes[0] === AF_UNIX
}
