import type { Launch } from '../system/launch.js'

/** What a relay is told for one measurement. It listens on 127.0.0.1. */
export interface RelaySite {
  readonly listenPort: number
  readonly remoteHost: string
  readonly remotePort: number
  /** Its own empty folder: current directory, home of its files, removed afterwards. */
  readonly dir: string
}

export type Presence =
  | { readonly isPresent: true; readonly version: string }
  | { readonly isPresent: false; readonly remedy: string }

/** One way to relay, with the configuration that its makers advise for speed. */
export interface Relay {
  readonly name: string
  /** How it is configured, for the reader of a table. */
  readonly setting: string
  /** The workloads it is measured with unless it is named on the command line; all when left out. */
  readonly workloads?: readonly string[]
  /** Runs on the generator's core too: what it costs there is counted, its throughput says little. */
  readonly isOnBothCores?: boolean
  detect(): Presence
  launch(site: RelaySite): Launch
}
