import type { Calls, Fd, Outcome } from '../kernel/calls.js'
import * as c from '../kernel/constants.js'
import { reportLocalAddress } from '../kernel/datagrams.js'
import { makeOurs } from '../kernel/fd-flags.js'
import { type KeepAlive, setKeepAlive } from '../kernel/keepalive.js'
import { mapPrivate, unmap } from '../kernel/memory.js'
import { openMptcp } from '../kernel/mptcp.js'
import { IPPROTO_SCTP } from '../kernel/sctp.js'
import {
  decodeAddress,
  type NativeAddress,
  nativeAddress,
  nativeAddresses,
  SOCKADDR_BYTES_MAX,
} from '../kernel/sockaddr.js'
import { applyOptions } from '../kernel/socket-options.js'
import type { ListenerOptions, ListenerSctp } from './options.js'

/**
 * A socket that listens as the options say: a descriptor, or a negated errno. What accepted sockets inherit
 * (tcp(7)) is set here once instead of once per connection. `onBound` is called before anybody can connect; what
 * it throws comes out here.
 */
export function openListener(
  calls: Calls,
  options: ListenerOptions,
  onBound: (fd: Fd) => void = () => {},
): Outcome {
  const address = nativeAddress(options.address)
  const outcome = openAt(calls, options, address, onBound)
  unmap(address.region)
  return outcome
}

/**
 * Makes a listening socket that was handed over fit for us: 0 or a negated errno. Whoever opened it may use it
 * blocking, and then a client that leaves while it waits would stop the reactor.
 */
export function adoptListener(calls: Calls, fd: Fd, options: Omit<ListenerOptions, 'address'>): Outcome {
  makeOurs(fd)
  const region = mapPrivate(SOCKADDR_BYTES_MAX)
  const byteLength = calls.localAddress(fd, region)
  const address = byteLength < 0 ? undefined : decodeAddress(region.bytes, byteLength)
  unmap(region)
  if (address === undefined) return byteLength
  const outcome = setUp(calls, fd, { ...options, address })
  return outcome < 0 ? outcome : calls.listen(fd, options.backlog)
}

function openAt(
  calls: Calls,
  options: ListenerOptions,
  address: NativeAddress,
  onBound: (fd: Fd) => void,
): Outcome {
  const { sctp } = options
  const fd = openSocket(calls, options, address)
  if (fd < 0) return fd
  const outcome = setUp(calls, fd, options)
  if (outcome < 0) return closeWith(calls, fd, outcome)
  const first = calls.bind(fd, address.region, address.byteLength)
  const bound = first < 0 || sctp === undefined ? first : bindFurther(calls, fd, sctp)
  if (bound < 0) return closeWith(calls, fd, bound)
  try {
    onBound(fd)
  } catch (error) {
    calls.close(fd)
    throw error
  }
  const listening = options.isUdp === true ? endSharing(calls, fd) : calls.listen(fd, options.backlog)
  return listening < 0 ? closeWith(calls, fd, listening) : fd
}

/**
 * While it is bound a socket of UDP has SO_REUSEADDR, because sockets that children still have for clients may be bound to
 * the same port. From here on nobody else may bind it (`DatagramListener` says more).
 */
function endSharing(calls: Calls, fd: Fd): Outcome {
  return calls.setOption(fd, c.SOL_SOCKET, c.SO_REUSEADDR, 0)
}

function closeWith(calls: Calls, fd: Fd, outcome: Outcome): Outcome {
  calls.close(fd)
  return outcome
}

function openSocket(calls: Calls, options: ListenerOptions, address: NativeAddress): Outcome {
  const { isMptcp, isUdp, sctp } = options
  const { family } = address
  if (isUdp === true) return calls.socket(family, c.SOCK_DGRAM, 0)
  if (sctp !== undefined) return calls.socket(familyOf(address, sctp), c.SOCK_STREAM, IPPROTO_SCTP)
  return isMptcp ? openMptcp(calls, family) : calls.socket(family, c.SOCK_STREAM, 0)
}

/** A socket of IPv6 takes addresses of both families. */
function familyOf({ family }: NativeAddress, { further }: ListenerSctp): number {
  return further.some((address) => address.family === 'ipv6') ? c.AF_INET6 : family
}

function bindFurther(calls: Calls, fd: Fd, { further }: ListenerSctp): Outcome {
  if (further.length === 0) return 0
  const addresses = nativeAddresses(further)
  const outcome = calls.sctp.bindMore(fd, addresses)
  unmap(addresses.region)
  return outcome
}

function setUpTcp(calls: Calls, fd: Fd, keepAlive: KeepAlive): Outcome {
  calls.setOption(fd, c.IPPROTO_TCP, c.TCP_NODELAY, 1)
  calls.setOption(fd, c.SOL_SOCKET, c.SO_OOBINLINE, 1)
  setKeepAlive(calls, fd, keepAlive)
  return 0
}

function setUp(calls: Calls, fd: Fd, options: ListenerOptions): Outcome {
  const { address, deferAcceptS, fastOpenQueue, ipv6Only, keepAlive, sctp, socket } = options
  if (address.family === 'unix') return 0
  const isIpv6 = address.family === 'ipv6'
  calls.setOption(fd, c.SOL_SOCKET, c.SO_REUSEADDR, 1)
  const basics =
    sctp !== undefined
      ? calls.sctp.setUp(fd, sctp)
      : options.isUdp === true
        ? reportLocalAddress(calls, fd, isIpv6)
        : setUpTcp(calls, fd, keepAlive)
  if (basics < 0) return basics
  // Always set: the system's default may be either (net.ipv6.bindv6only).
  if (isIpv6) calls.setOption(fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY, ipv6Only ? 1 : 0)
  const outcome = applyOptions(calls, fd, isIpv6 ? c.AF_INET6 : c.AF_INET, socket)
  if (outcome < 0) return outcome
  // Where the system does not allow them, clients are served as if nobody had asked for them.
  if (fastOpenQueue > 0) calls.setOption(fd, c.IPPROTO_TCP, c.TCP_FASTOPEN, fastOpenQueue)
  if (deferAcceptS > 0) calls.setOption(fd, c.IPPROTO_TCP, c.TCP_DEFER_ACCEPT, deferAcceptS)
  return 0
}
