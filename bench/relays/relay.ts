import type { CertificateFiles } from '../system/certificate.js'
import type { Launch } from '../system/launch.js'

/** Where it shows what a user of relays has switched on beside relaying: logs, timeouts. */
export const PRODUCTION_WORKLOADS = ['requests', 'connections']

/** What a relay is told for one measurement. It listens on 127.0.0.1. */
export interface RelaySite {
  readonly listenPort: number
  readonly remoteHost: string
  readonly remotePort: number
  /** Its own empty folder: current directory, home of its files, removed afterwards. */
  readonly dir: string
  /** When it is to end TLS 1.3 and pass on what was inside; the remote speaks plain TCP. */
  readonly certificate: CertificateFiles | undefined
  /** It has to hold so many at once; undefined: a few thousand are never open. */
  readonly connectionsMax?: number | undefined
}

export type Presence =
  | { readonly isPresent: true; readonly version: string }
  | { readonly isPresent: false; readonly remedy: string }

/** One way to relay, with the configuration that its makers advise for speed. */
export interface Relay {
  readonly name: string
  /** How it is configured, for the reader of a table. */
  readonly setting: string
  /** The only kind of traffic that it can be measured with; either when left out. */
  readonly speaks?: 'plain' | 'tls'
  /** The workloads it is measured with unless it is named on the command line; all when left out. */
  readonly workloads?: readonly string[]
  /** Runs on the generator's core too: what it costs there is counted, its throughput says little. */
  readonly isOnBothCores?: boolean
  /** `--quick` does without: it tells least that is new. */
  readonly isLeftOutWhenQuick?: boolean
  /** The relay that this one is, with more switched on: the report says what that adds. */
  readonly bare?: string
  /** This program, however it is configured: no peer of itself. */
  readonly isOurs?: boolean
  detect(): Presence
  launch(site: RelaySite): Launch
  /**
   * What it needs beside itself, on the generator's core and not counted; prints a line when it is ready. It is
   * started first.
   */
  companion?(site: RelaySite): Launch
}
