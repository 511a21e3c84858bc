/** Sockets to remotes: TCP, MPTCP and Unix. */
import type { Calls, Fd, Outcome } from '../../kernel/calls.js'
import * as c from '../../kernel/constants.js'
import { openMptcp } from '../../kernel/mptcp.js'
import type { NativeAddress } from '../../kernel/sockaddr.js'
import { applyOptions } from '../../kernel/socket-options.js'
import type { RemoteOptions } from '../remote-options.js'
import type { Session } from '../session.js'
import type { SessionOptions } from '../session-options.js'

/**
 * Opens a socket to connect to `to`, an address of `remote`: a descriptor, or a negated errno. Options that short
 * sessions do not need are set later: TCP_NODELAY before the second send, keepalive after a second.
 */
export function openRemoteSocket(session: Session, remote: RemoteOptions, to: NativeAddress): Outcome {
  const { system, tls } = session.relay
  const { calls } = system
  const fd = remote.isMptcp ? openMptcp(calls, to.family) : calls.socket(to.family, c.SOCK_STREAM, 0)
  if (fd < 0 || to.family === c.AF_UNIX) return fd
  calls.setOption(fd, c.SOL_SOCKET, c.SO_OOBINLINE, 1)
  // With bytes to send at once the ACK of the handshake can travel with them.
  const hasBytes = session.toRemote.heldBytes > 0 || remote.sendProxy !== undefined
  if (hasBytes) calls.setOption(fd, c.IPPROTO_TCP, c.TCP_QUICKACK, 0)
  // Fast Open delays the SYN until data is written, so a server that speaks first would wait forever. TLS always
  // writes, but may have to wait for the greeting of STARTTLS.
  const origination = tls.remotes[session.remoteSlot]
  const awaitsGreeting = origination?.opening?.hasGreeting === true && remote.sendProxy === undefined
  const speaksFirst = (hasBytes || origination !== undefined) && !awaitsGreeting
  if (remote.isFastOpen && speaksFirst) calls.setOption(fd, c.IPPROTO_TCP, c.TCP_FASTOPEN_CONNECT, 1)
  let outcome = remote.socket === undefined ? 0 : applyOptions(calls, fd, to.family, remote.socket)
  if (outcome >= 0) outcome = bindLocal(calls, fd, session.options, to.family, session)
  if (outcome >= 0) return fd
  calls.close(fd)
  return outcome
}

/** Binds the source address and ports, as far as they are configured. */
export function bindLocal(
  calls: Calls,
  fd: Fd,
  { clientSource, localAddress, localPorts }: SessionOptions,
  family: number,
  session: Session,
): Outcome {
  const outcome = localPorts === 0 ? 0 : calls.setOption(fd, c.IPPROTO_IP, c.IP_LOCAL_PORT_RANGE, localPorts)
  if (outcome < 0) return outcome
  if (clientSource !== undefined) {
    calls.setOption(fd, c.IPPROTO_IP, c.IP_BIND_ADDRESS_NO_PORT, 1)
    return clientSource.bind(calls, fd, family, session.peer)
  }
  if (localAddress === undefined || localAddress.family !== family) return 0
  // The kernel chooses the port at connect(2), per destination: bind(2) would limit all remotes to 28,000 ports
  // together.
  calls.setOption(fd, c.IPPROTO_IP, c.IP_BIND_ADDRESS_NO_PORT, 1)
  return calls.bind(fd, localAddress.region, localAddress.byteLength)
}
