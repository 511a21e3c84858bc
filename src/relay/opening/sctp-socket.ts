/** Sockets to remotes: SCTP. */
import type { Calls, Fd, Outcome } from '../../kernel/calls.js'
import { SOCK_STREAM } from '../../kernel/constants.js'
import { IPPROTO_SCTP, type SctpOptions } from '../../kernel/sctp.js'
import type { NativeAddress } from '../../kernel/sockaddr.js'
import { applyOptions } from '../../kernel/socket-options.js'
import type { RemoteOptions } from '../remote-options.js'
import type { Session } from '../session.js'
import { bindLocal } from './remote-socket.js'

/** Opens an SCTP socket to connect to `to`, an address of `remote`: a descriptor, or a negated errno. */
export function openSctpSocket(
  session: Session,
  { socket }: RemoteOptions,
  sctp: SctpOptions,
  to: NativeAddress,
): Outcome {
  const { system } = session.relay
  const { calls } = system
  const fd = calls.socket(to.family, SOCK_STREAM, IPPROTO_SCTP)
  if (fd < 0) return fd
  let outcome = calls.sctp.setUp(fd, sctp)
  if (outcome >= 0 && socket !== undefined) outcome = applyOptions(calls, fd, to.family, socket)
  if (outcome >= 0) outcome = bindLocal(calls, fd, session.options, to.family, session)
  if (outcome >= 0) return fd
  calls.close(fd)
  return outcome
}

/** Connects, to all addresses of `to` if there are several: 0, -EINPROGRESS, or another negated errno. */
export function connectSctp(calls: Calls, fd: Fd, to: NativeAddress): Outcome {
  if (to.count > 1) return calls.sctp.connectAll(fd, to)
  return calls.connect(fd, to.region, to.byteLength)
}
