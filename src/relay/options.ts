/** Settings of the relay, as plain data. */
import type { AskedAbout } from '../base/authorization.js'
import type { KeepAlive } from '../kernel/keepalive.js'
import type { NativeAddress } from '../kernel/sockaddr.js'
import type { ClientSource } from './opening/client-source.js'
import { SPLICE_POLICIES, type SplicePolicy } from './transfer/splice-policies.js'

/** MAVIS authorization of clients. */
export interface Asking {
  readonly about: AskedAbout
  /** Time limit for the answer. */
  readonly timeoutMs: number
}

/** The settings of sessions: directives of section `tcprelay`, resolved. */
export interface RelayOptions {
  /** Time limit for one attempt to connect to one address. */
  readonly connectTimeoutMs: number
  /** Time limit for all attempts for one client. */
  readonly dialTimeoutMs: number
  /** Further rounds over all remotes after a failed first round. */
  readonly dialRetries: number
  /** Maximum silence in both directions. Infinity: no limit. */
  readonly idleTimeoutMs: number
  /** Maximum silence after one direction has ended. Infinity: as before, but not towards SCTP (`HELD_END_MS`). */
  readonly halfCloseTimeoutMs: number
  readonly keepAlive: KeepAlive
  readonly splice: SplicePolicy
  /** Source address of connections to remotes. */
  readonly localAddress: NativeAddress | undefined
  /** Set if connections to remotes use their client's source address. */
  readonly clientSource: ClientSource | undefined
  /** Range of source ports in the format of IP_LOCAL_PORT_RANGE. Zero: the system's. */
  readonly localPorts: number
  /** Ephemeral ports of the kernel (net.ipv4.ip_local_port_range). */
  readonly ephemeralPorts: { readonly least: number; readonly most: number }
  /** No sessions are accepted after this many. Zero: no limit. */
  readonly retireLimit: number
  readonly hasAccessLog: boolean
  /** Undefined: clients need no authorization. */
  readonly asks: Asking | undefined
  /** Client addresses are stored: for the access log, MAVIS or warnings. */
  readonly notesPeers: boolean
}

/** What holds where a configuration says nothing; tests begin with them too. */
export const DEFAULT_RELAY_OPTIONS: RelayOptions = {
  connectTimeoutMs: 10_000,
  dialTimeoutMs: 30_000,
  dialRetries: 3,
  idleTimeoutMs: Number.POSITIVE_INFINITY,
  halfCloseTimeoutMs: Number.POSITIVE_INFINITY,
  keepAlive: { isOn: true, idleS: 0, intervalS: 0, count: 0 },
  splice: SPLICE_POLICIES.auto,
  localAddress: undefined,
  clientSource: undefined,
  localPorts: 0,
  ephemeralPorts: { least: 32_768, most: 60_999 },
  retireLimit: 0,
  hasAccessLog: false,
  asks: undefined,
  notesPeers: false,
}
