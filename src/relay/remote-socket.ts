import type { Calls, Fd, Outcome } from '../kernel/calls.js'
import * as c from '../kernel/constants.js'
import type { NativeAddress } from '../kernel/sockaddr.js'
import type { RelayOptions } from './options.js'

/**
 * A socket that is about to connect to `to`: a descriptor, or a negated errno. With `hasBytes` the client's
 * first bytes are at hand and will leave at once, so the handshake's last acknowledgement need not. What only a
 * connection needs that lasts is set when it does: TCP_NODELAY before the second send, keepalive after a while.
 */
export function openRemoteSocket(
  calls: Calls,
  options: RelayOptions,
  to: NativeAddress,
  hasBytes: boolean,
): Outcome {
  const fd = calls.socket(to.family, c.SOCK_STREAM, 0)
  if (fd < 0 || to.family === c.AF_UNIX) return fd
  calls.setOption(fd, c.SOL_SOCKET, c.SO_OOBINLINE, 1)
  if (hasBytes) calls.setOption(fd, c.IPPROTO_TCP, c.TCP_QUICKACK, 0)
  const { localAddress } = options
  if (localAddress === undefined || localAddress.family !== to.family) return fd
  const bound = bindLocal(calls, fd, localAddress)
  if (bound >= 0) return fd
  calls.close(fd)
  return bound
}

/** Lets the kernel choose the port at connect(2), where 28,000 ports per remote are enough for everybody. */
function bindLocal(calls: Calls, fd: Fd, address: NativeAddress): Outcome {
  calls.setOption(fd, c.IPPROTO_IP, c.IP_BIND_ADDRESS_NO_PORT, 1)
  return calls.bind(fd, address.region, address.byteLength)
}
