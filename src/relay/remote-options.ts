import type { SocketOptions } from '../kernel/socket-options.js'

/** Options of connections to one remote. */
export interface RemoteOptions {
  /** Undefined: none are configured. */
  readonly socket: SocketOptions | undefined
  /** Multipath TCP, where the kernel supports it. */
  readonly isMptcp: boolean
  /** TCP Fast Open: the first bytes may be sent with the SYN. */
  readonly isFastOpen: boolean
}

export const PLAIN_REMOTE: RemoteOptions = { socket: undefined, isMptcp: false, isFastOpen: false }
