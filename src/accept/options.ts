import type { HostAddress, SocketAddress } from '../base/address.js'
import type { KeepAlive } from '../kernel/keepalive.js'
import type { SctpOptions } from '../kernel/sctp.js'
import { NO_OPTIONS, type SocketOptions } from '../kernel/socket-options.js'

/** What a listener of SCTP has beside its address. */
export interface ListenerSctp extends SctpOptions {
  /** Further addresses that it is reached at, with the port of the first one. */
  readonly further: readonly HostAddress[]
}

/** What a listening socket has that others have not. */
export interface ListenerFeatures {
  /** Multipath TCP, where the kernel has it. */
  readonly isMptcp: boolean
  /** A socket of IPv6 takes no clients of IPv4. */
  readonly ipv6Only: boolean
  /** Clients of TCP Fast Open whose handshakes may be unfinished at once. Zero: it is off. */
  readonly fastOpenQueue: number
  /** How long a client that has said nothing is kept from us. Zero: not at all. */
  readonly deferAcceptS: number
  /** Undefined: TCP, or a Unix socket. */
  readonly sctp?: ListenerSctp | undefined
  /** UDP: nobody connects, and nothing is accepted. */
  readonly isUdp?: boolean
}

/** One `listen` block, resolved. */
export interface ListenerOptions extends ListenerFeatures {
  readonly address: SocketAddress
  readonly backlog: number
  readonly keepAlive: KeepAlive
  /** Of the listener, and of the sockets that it accepts. */
  readonly socket: SocketOptions
}

/** Nothing but TCP. */
export const PLAIN_LISTENER: ListenerFeatures & Pick<ListenerOptions, 'socket'> = {
  isMptcp: false,
  ipv6Only: false,
  fastOpenQueue: 0,
  deferAcceptS: 0,
  socket: NO_OPTIONS,
}
