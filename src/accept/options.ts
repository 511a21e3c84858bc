/** Settings of listening sockets, as plain data. */
import type { HostAddress, SocketAddress } from '../base/address.js'
import type { KeepAlive } from '../kernel/keepalive.js'
import type { SctpOptions } from '../kernel/sctp.js'
import { NO_OPTIONS, type SocketOptions } from '../kernel/socket-options.js'

/** SCTP options of a listener. */
export interface ListenerSctp extends SctpOptions {
  /** Additional local addresses (multihoming), with the port of the first one. */
  readonly further: readonly HostAddress[]
}

/** Features that only listening sockets have. */
export interface ListenerFeatures {
  /** Multipath TCP, where the kernel supports it. */
  readonly isMptcp: boolean
  /** An IPv6 listener accepts no IPv4 clients. */
  readonly ipv6Only: boolean
  /** Pending TCP Fast Open requests (TCP_FASTOPEN). Zero: off. */
  readonly fastOpenQueue: number
  /** How long the kernel holds back a client that has sent nothing (TCP_DEFER_ACCEPT). Zero: not at all. */
  readonly deferAcceptS: number
  /** Undefined: TCP, or a Unix socket. */
  readonly sctp?: ListenerSctp | undefined
  /** UDP: nothing listens or accepts, datagrams are received. */
  readonly isUdp?: boolean
}

/** One `listen` block, resolved. */
export interface ListenerOptions extends ListenerFeatures {
  readonly address: SocketAddress
  readonly backlog: number
  readonly keepAlive: KeepAlive
  /** Options of the listener, which accepted sockets inherit. */
  readonly socket: SocketOptions
}

/** Defaults: plain TCP. */
export const PLAIN_LISTENER: ListenerFeatures & Pick<ListenerOptions, 'socket'> = {
  isMptcp: false,
  ipv6Only: false,
  fastOpenQueue: 0,
  deferAcceptS: 0,
  socket: NO_OPTIONS,
}
