import type { SocketAddress } from '../base/address.js'
import type { KeepAlive } from '../kernel/keepalive.js'

/** One `listen` block, resolved. */
export interface ListenerOptions {
  readonly address: SocketAddress
  readonly backlog: number
  readonly keepAlive: KeepAlive
  /** Differentiated services code point of accepted sockets, 0 to 63. Zero: unset. */
  readonly dscp: number
  /** Interface or VRF that the socket is bound to; '' for none. */
  readonly vrf: string
}
