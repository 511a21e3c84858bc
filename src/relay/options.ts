/** Settings of the relay as a whole, as plain data; those of sessions are in `session-options.ts`. */
import type { AskedAbout } from '../base/authorization.js'

/** MAVIS authorization of clients. */
export interface Asking {
  readonly about: AskedAbout
  /** Time limit for the answer. */
  readonly timeoutMs: number
}

/** The settings that all sessions share: directives of section `tcprelay`, resolved. */
export interface RelayOptions {
  /** Ephemeral ports of the kernel (net.ipv4.ip_local_port_range). */
  readonly ephemeralPorts: { readonly least: number; readonly most: number }
  /** No sessions are accepted after this many. Zero: no limit. */
  readonly retireLimit: number
  readonly hasAccessLog: boolean
  /** Lines of the access log say how the session got its remote. */
  readonly logsReasons: boolean
  /** Undefined: clients need no authorization. */
  readonly asks: Asking | undefined
  /** Client addresses are stored: for the access log, MAVIS or warnings. */
  readonly notesPeers: boolean
}

/** What holds where a configuration says nothing; tests begin with them too. */
export const DEFAULT_RELAY_OPTIONS: RelayOptions = {
  ephemeralPorts: { least: 32_768, most: 60_999 },
  retireLimit: 0,
  hasAccessLog: false,
  logsReasons: false,
  asks: undefined,
  notesPeers: false,
}
