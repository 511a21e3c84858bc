import type { AskedAbout } from '../base/authorization.js'
import type { KeepAlive } from '../kernel/keepalive.js'
import type { NativeAddress } from '../kernel/sockaddr.js'
import type { ClientSource } from './opening/client-source.js'
import type { SplicePolicy } from './transfer/splice-policies.js'

/** What has to be asked before a client gets a remote. */
export interface Asking {
  readonly about: AskedAbout
  /** For the answer. */
  readonly timeoutMs: number
}

/** How sessions behave; the directives of section `tcprelay`, resolved. */
export interface RelayOptions {
  /** One attempt to connect to one address. */
  readonly connectTimeoutMs: number
  /** All attempts for one client. */
  readonly dialTimeoutMs: number
  /** Rounds over all remotes after the first one has failed. */
  readonly dialRetries: number
  /** Both directions silent. Zero: for ever. */
  readonly idleTimeoutMs: number
  /** Silence once one direction has ended. Zero: for ever. */
  readonly halfCloseTimeoutMs: number
  readonly keepAlive: KeepAlive
  readonly splice: SplicePolicy
  /** Where connections to remotes come from. */
  readonly localAddress: NativeAddress | undefined
  /** Connections to remotes come from the addresses of their clients; undefined: they do not. */
  readonly clientSource: ClientSource | undefined
  /** Ports that they may come from, as IP_LOCAL_PORT_RANGE takes them. Zero: those of the system. */
  readonly localPorts: number
  /** Listeners by slot whose clients may speak Multipath TCP. */
  readonly mptcpListeners: readonly boolean[]
  /** Ports that the kernel may pick for a connection (net.ipv4.ip_local_port_range). */
  readonly ephemeralPorts: { readonly least: number; readonly most: number }
  /** Sessions after which no more are taken. Zero: no limit. */
  readonly retireLimit: number
  readonly hasAccessLog: boolean
  /** Undefined: every client gets a remote. */
  readonly asks: Asking | undefined
  /** Addresses of clients are kept, for the access log, for questions or for complaints. */
  readonly notesPeers: boolean
}
