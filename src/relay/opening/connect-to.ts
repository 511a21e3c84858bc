/** Starts one attempt: opens a socket to an address of the chosen remote, and connects it. */
import type { Outcome } from '../../kernel/calls.js'
import { AF_UNIX } from '../../kernel/constants.js'
import { EADDRNOTAVAIL, EINPROGRESS, EINVAL } from '../../kernel/errno.js'
import type { NativeAddress } from '../../kernel/sockaddr.js'
import { add, COUNT, REMOTE_COUNT } from '../../observe/counters.js'
import type { RemoteOptions } from '../remote-options.js'
import type { Session } from '../session.js'
import { SCTP } from '../transfer/sctp-transport.js'
import { TCP } from '../transfer/tcp-transport.js'
import { UNIX } from '../transfer/unix-transport.js'
import { sendWithSyn } from './fast-open.js'
import { hasOpening } from './remote-greeting.js'
import { openRemoteSocket } from './remote-socket.js'
import { connectSctp, openSctpSocket } from './sctp-socket.js'
import { targetAddress, targetOf } from './target-address.js'

/** Opens a socket and connects it: 0, -EINPROGRESS, or another negated errno, and then the socket is closed. */
export function connectTo(session: Session, address: NativeAddress): Outcome {
  const { counters, remoteCounters, system } = session.relay
  const { options, remote } = session
  // No port is known for this client; another remote may have its own.
  if (address.port === 0 && address.family !== AF_UNIX) return -EADDRNOTAVAIL
  const { clientSource } = options
  const { options: remoteOptions, sctp } = targetOf(session)
  const fd =
    sctp === undefined
      ? openRemoteSocket(session, remoteOptions, address)
      : openSctpSocket(session, remoteOptions, sctp, address)
  session.dialling.isRefusedHere = fd < 0
  session.dialling.beginAttempt()
  if (fd < 0) return fd
  add(counters, COUNT.attempts, 1)
  remoteCounters.add(session.remoteSlot, REMOTE_COUNT.attempts, 1)
  remote.fd = fd
  remote.transport = sctp !== undefined ? SCTP : address.family === AF_UNIX ? UNIX : TCP
  remote.mayDelay = remote.transport.isTcp
  let outcome =
    sctp === undefined
      ? system.calls.connect(fd, address.region, address.byteLength)
      : connectSctp(system.calls, fd, address)
  // A client address without a route to the remote, such as 127.0.0.1, is not the remote's fault.
  if (outcome === -EINVAL && clientSource !== undefined) outcome = -EADDRNOTAVAIL
  if (outcome === 0 && remoteOptions.isFastOpen && sendsFirst(session, remoteOptions))
    outcome = sendWithSyn(session)
  if (outcome === 0 || outcome === -EINPROGRESS) {
    const watched = session.watch(remote)
    if (watched < 0) outcome = watched
  }
  if (outcome < 0 && outcome !== -EINPROGRESS) session.closeConnection(remote)
  return outcome
}

/**
 * TCP lets a socket connect to itself if the kernel picks the destination port as source port and nothing listens
 * there (RFC 9293, 3.5, simultaneous open). Only ephemeral ports are picked.
 */
export function isConnectedToItself(session: Session): boolean {
  const { dialling, relay, remote } = session
  const { options, system } = relay
  // The addresses of the remote may have been removed meanwhile.
  if (targetOf(session).addressCount === 0) return false
  const address = targetAddress(session, dialling.addressIndex)
  if (address.port < options.ephemeralPorts.least || address.port > options.ephemeralPorts.most) return false
  return system.calls.isLocalAddress(remote.fd, address.region, address.byteLength)
}

/** The relay has something to send that needs no answer of the remote. */
function sendsFirst(session: Session, { sendProxy }: RemoteOptions): boolean {
  return sendProxy !== undefined || (session.toRemote.heldBytes > 0 && !hasOpening(session))
}
