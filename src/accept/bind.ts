/** Opens listening sockets, or adopts those of another program, and sets their options. */
import type { Calls, Fd, Outcome } from '../kernel/calls.js'
import * as c from '../kernel/constants.js'
import { reportLocalAddress } from '../kernel/datagrams.js'
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
import { takeOverDescriptor } from '../kernel/take-over-descriptor.js'
import type { ListenerOptions, ListenerSctp } from './options.js'

/**
 * Opens a listening socket: a descriptor, or a negated errno. Options that accepted sockets inherit (tcp(7)) are set
 * here once instead of once per connection. `onBound` is called before a client can connect; an exception of it
 * closes the socket and is thrown on.
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
 * Sets the options of a listening socket that another program opened: 0 or a negated errno. It is made non-blocking:
 * a client that disconnects between readiness and accept(2) would otherwise block the reactor.
 */
export function adoptListener(calls: Calls, fd: Fd, options: Omit<ListenerOptions, 'address'>): Outcome {
  takeOverDescriptor(fd)
  const region = mapPrivate(SOCKADDR_BYTES_MAX)
  const byteLength = calls.localAddress(fd, region)
  const address = byteLength < 0 ? undefined : decodeAddress(region.bytes, byteLength)
  unmap(region)
  if (address === undefined) return byteLength
  const outcome = setUp(calls, fd, { ...options, address })
  // On a socket that listens already, listen(2) only changes the length of its queue.
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
 * SO_REUSEADDR is set only during bind(2), because sockets that children have for clients may hold the same port.
 * From here on no other program can bind it (see `DatagramListener`).
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

/** An IPv6 socket of SCTP can be bound to addresses of both families. */
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
  // Nagle's algorithm (RFC 1122, 4.2.3.4) would delay the short last segment of relayed data until an
  // acknowledgement.
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
  // Best effort: where the kernel refuses these, clients are served without them.
  if (fastOpenQueue > 0) calls.setOption(fd, c.IPPROTO_TCP, c.TCP_FASTOPEN, fastOpenQueue)
  if (deferAcceptS > 0) calls.setOption(fd, c.IPPROTO_TCP, c.TCP_DEFER_ACCEPT, deferAcceptS)
  return 0
}
