import type { CertificateFiles } from '../system/certificate.js'
import type { Launch } from '../system/launch.js'
import type { ProxyWork } from '../workloads/workload.js'

/** Workloads with the costs of logs and timeouts. */
export const PRODUCTION_WORKLOADS = ['requests', 'connections']

/** Parameters of a relay for one measurement. It listens on 127.0.0.1. */
export interface RelaySite {
  readonly listenPort: number
  readonly remoteHost: string
  readonly remotePort: number
  /** Its own empty folder: current directory, home of its files, removed afterwards. */
  readonly dir: string
  /** If it has to terminate TLS 1.3 and relay the plain bytes; the remote speaks plain TCP. */
  readonly certificate: CertificateFiles | undefined
  /** If it has to choose the remote by the ClientHello's server name: all names, each with a pool of its own. */
  readonly serverNames?: readonly string[] | undefined
  /** What it does with headers of the PROXY protocol; nothing if undefined. */
  readonly proxy?: ProxyWork | undefined
  /** Connections that it has to hold at once; undefined: a few thousand are never open. */
  readonly connectionsMax?: number | undefined
}

export type Presence =
  | { readonly isPresent: true; readonly version: string }
  | { readonly isPresent: false; readonly remedy: string }

/** A relay, configured as its manual advises for speed. */
export interface Relay {
  readonly name: string
  /** How it is configured, for the reader of a table. */
  readonly setting: string
  /** The only kind of traffic that it can be measured with; either if absent. */
  readonly speaks?: 'plain' | 'tls'
  /** It can choose the remote by `serverNames`. */
  readonly choosesByName?: boolean
  /** What it can do with headers of the PROXY protocol. */
  readonly proxies?: readonly ProxyWork[]
  /** The workloads it is measured with unless it is named on the command line; all if absent. */
  readonly workloads?: readonly string[]
  /** Runs on the generator's core, too: its cost there is counted, its throughput says little. */
  readonly isOnBothCores?: boolean
  /** Left out of `--quick`: it adds least. */
  readonly isLeftOutWhenQuick?: boolean
  /** The variant with less switched on: the report shows the difference. */
  readonly bare?: string
  /** This program in any configuration: not a peer. */
  readonly isOurs?: boolean
  detect(): Presence
  launch(site: RelaySite): Launch
  /**
   * A helper program on the generator's core that is not counted; prints a line when it is ready. It is
   * started first.
   */
  companion?(site: RelaySite): Launch
}
