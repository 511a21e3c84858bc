import type { SocketOptions } from '../kernel/socket-options.js'

/** What is special about connections to one remote. */
export interface RemoteOptions {
  /** Undefined: nothing is asked for, so nothing is set. */
  readonly socket: SocketOptions | undefined
  /** Multipath TCP, where the kernel has it. */
  readonly isMptcp: boolean
  /** The first bytes may leave with the SYN. */
  readonly isFastOpen: boolean
}

export const PLAIN_REMOTE: RemoteOptions = { socket: undefined, isMptcp: false, isFastOpen: false }
