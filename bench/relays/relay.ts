import type { CertificateFiles } from '../system/certificate.js'
import type { Launch } from '../system/launch.js'

/** What a relay is told for one measurement. It listens on 127.0.0.1. */
export interface RelaySite {
  readonly listenPort: number
  readonly remoteHost: string
  readonly remotePort: number
  /** Its own empty folder: current directory, home of its files, removed afterwards. */
  readonly dir: string
  /** When it is to end TLS 1.3 and pass on what was inside; the remote speaks plain TCP. */
  readonly certificate: CertificateFiles | undefined
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
  detect(): Presence
  launch(site: RelaySite): Launch
}
