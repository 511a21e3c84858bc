import type { Percentiles } from '../open-loop/histogram.js'
import type { KeyKind } from '../system/certificate.js'
import type { Launch, Tool } from '../system/launch.js'

/** What is counted, and how its cost and speed are best written. */
export interface WorkUnit {
  readonly name: string
  readonly costLabel: string
  /** From CPU seconds per unit (or bytes of memory, or seconds of latency) to the number that is printed. */
  readonly costScale: number
  readonly rateLabel: string
  /** From units per second to the number that is printed. */
  readonly rateScale: number
}

/** What a generator says it has done. */
export interface Work {
  readonly units: number
  readonly seconds: number
  readonly p99Ms?: number
  /** At a fixed rate, from the moment that a unit was due at. */
  readonly latency?: Percentiles
  /** How much of that was the generator's own: how late it sent. */
  readonly lag?: Percentiles
  /** What went wrong without ending the run, such as broken connections; such a sample does not count. */
  readonly faults: readonly string[]
}

export interface ServerSite {
  readonly port: number
  readonly dir: string
}

export interface GeneratorSite {
  /** Where the relay listens, on 127.0.0.1. */
  readonly port: number
  readonly seconds: number
}

export interface FrontSite {
  readonly port: number
  readonly relayPort: number
}

/** One kind of traffic: the server behind the relay, the generator before it, and what it counts. */
export interface Workload {
  readonly name: string
  readonly title: string
  readonly unit: WorkUnit
  readonly needs: readonly Tool[]
  /** The relay is to end TLS, with a certificate of this kind; plain TCP when left out. */
  readonly tls?: KeyKind
  /** What is counted against the relay; CPU time when left out. Latency: the 99th percentile. */
  readonly costs?: 'memory' | 'latency'
  /** How many connections the relay has to hold at once; what any relay can when left out. */
  readonly connectionsMax?: number
  server(site: ServerSite): Launch
  /** Stands between generator and relay, on the generator's core: TLS for a generator that speaks none. */
  front?(site: FrontSite): Launch
  /**
   * Load that is not measured: compilers, caches and buffers settle. Where memory is measured, this and the
   * generator print a line when they have opened their connections, and hold them until they are ended.
   */
  warmUp(port: number, warmUpMs: number): Launch
  generator(site: GeneratorSite): Launch
  /** Reads the generator's output; throws when it reports no work. */
  readWork(output: string): Work
}
