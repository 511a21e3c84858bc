import type { Percentiles } from '../open-loop/histogram.js'
import type { KeyKind } from '../system/certificate.js'
import type { Launch, Tool } from '../system/launch.js'

/** What is counted, and how its cost and speed are written. */
export interface WorkUnit {
  readonly name: string
  readonly costLabel: string
  /** From CPU seconds per unit (or bytes of memory, or seconds of latency) to the printed number. */
  readonly costScale: number
  readonly rateLabel: string
  /** From units per second to the printed number. */
  readonly rateScale: number
}

/** The work that a generator reports. */
export interface Work {
  readonly units: number
  readonly seconds: number
  readonly p99Ms?: number
  /** At a fixed rate, from the due time of a unit. */
  readonly latency?: Percentiles
  /** The generator's own part: how late it sent. */
  readonly lag?: Percentiles
  /** Faults that did not end the run, such as broken connections; such a sample does not count. */
  readonly faults: readonly string[]
}

/** Reads a header from each client, of either version, or sends one to each server. */
export type ProxyWork = 'accept' | 'send v1' | 'send v2'

export interface ServerSite {
  readonly port: number
  readonly dir: string
}

export interface GeneratorSite {
  /** The relay's port, on 127.0.0.1. */
  readonly port: number
  readonly seconds: number
}

export interface FrontSite {
  readonly port: number
  readonly relayPort: number
}

/** One kind of traffic: the server behind the relay, the generator before it, and the unit of work. */
export interface Workload {
  readonly name: string
  readonly title: string
  readonly unit: WorkUnit
  readonly needs: readonly Tool[]
  /** The relay terminates TLS, with a certificate of this kind; plain TCP if absent. */
  readonly tls?: KeyKind
  /** The relay chooses the remote by the server name of the ClientHello, one of these. */
  readonly serverNames?: readonly string[]
  /** What the relay does with headers of the PROXY protocol. */
  readonly proxy?: ProxyWork
  /** The judged cost; CPU time if absent. Latency: the 99th percentile. */
  readonly costs?: 'memory' | 'latency'
  /** How many connections the relay has to hold at once; as many as any relay can if absent. */
  readonly connectionsMax?: number
  server(site: ServerSite): Launch
  /** Runs between generator and relay, on the generator's core: TLS for a generator without it. */
  front?(site: FrontSite): Launch
  /**
   * Load that is not measured: compilers, caches and buffers settle. Where memory is measured, this and the
   * generator print a line when they have opened their connections, and hold them until they are ended.
   */
  warmUp(port: number, warmUpMs: number): Launch
  generator(site: GeneratorSite): Launch
  /** Parses the generator's output; throws if it reports no work. */
  readWork(output: string): Work
}
