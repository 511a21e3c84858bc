import type { Calls, Fd, Outcome } from '../../kernel/calls.js'
import * as c from '../../kernel/constants.js'
import { openMptcp } from '../../kernel/mptcp.js'
import type { NativeAddress } from '../../kernel/sockaddr.js'
import { applyOptions } from '../../kernel/socket-options.js'
import type { RelayOptions } from '../options.js'
import type { RemoteOptions } from '../remote-options.js'
import type { Session } from '../session.js'

/**
 * A socket that is about to connect to `to`, an address of `remote`: a descriptor, or a negated errno. What only a
 * connection needs that lasts is set when it does: TCP_NODELAY before the second send, keepalive after a while.
 */
export function openRemoteSocket(session: Session, remote: RemoteOptions, to: NativeAddress): Outcome {
  const { options, system, tls } = session.relay
  const { calls } = system
  const fd = remote.isMptcp ? openMptcp(calls, to.family) : calls.socket(to.family, c.SOCK_STREAM, 0)
  if (fd < 0 || to.family === c.AF_UNIX) return fd
  calls.setOption(fd, c.SOL_SOCKET, c.SO_OOBINLINE, 1)
  // The client's first bytes are at hand and will leave at once, so the handshake's last acknowledgement need not.
  const hasBytes = session.toRemote.heldBytes > 0
  if (hasBytes) calls.setOption(fd, c.IPPROTO_TCP, c.TCP_QUICKACK, 0)
  // Without bytes no SYN would leave: a server that speaks first would never be heard. TLS always has some to say.
  const speaksFirst = hasBytes || tls.remotes[session.remoteSlot] !== undefined
  if (remote.isFastOpen && speaksFirst) calls.setOption(fd, c.IPPROTO_TCP, c.TCP_FASTOPEN_CONNECT, 1)
  let outcome = remote.socket === undefined ? 0 : applyOptions(calls, fd, to.family, remote.socket)
  if (outcome >= 0) outcome = bindLocal(calls, fd, options, to.family, session)
  if (outcome >= 0) return fd
  calls.close(fd)
  return outcome
}

/** Where the connection comes from, as far as that is not left to the kernel. */
export function bindLocal(
  calls: Calls,
  fd: Fd,
  { clientSource, localAddress, localPorts }: RelayOptions,
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
  // The kernel chooses the port at connect(2), where 28,000 ports per remote are enough for everybody.
  calls.setOption(fd, c.IPPROTO_IP, c.IP_BIND_ADDRESS_NO_PORT, 1)
  return calls.bind(fd, localAddress.region, localAddress.byteLength)
}
