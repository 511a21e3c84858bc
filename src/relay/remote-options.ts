/** Options of connections to remotes. */
import type { ProxyTlv } from '../base/proxy-tlvs.js'
import type { SocketOptions } from '../kernel/socket-options.js'
import type { ProxyVersion } from '../wire/proxy/write-header.js'

/** The header of the PROXY protocol that connections begin with. */
export interface SendProxy {
  readonly version: ProxyVersion
  /** In the order of the header. */
  readonly tlvs: readonly ProxyTlv[]
}

/** Options of connections to one remote. */
export interface RemoteOptions {
  /** Undefined: none are configured. */
  readonly socket: SocketOptions | undefined
  /** Multipath TCP, where the kernel supports it. */
  readonly isMptcp: boolean
  /** TCP Fast Open: the first bytes may be sent with the SYN. */
  readonly isFastOpen: boolean
  /** Undefined: no header. */
  readonly sendProxy: SendProxy | undefined
}

export const PLAIN_REMOTE: RemoteOptions = {
  socket: undefined,
  isMptcp: false,
  isFastOpen: false,
  sendProxy: undefined,
}
