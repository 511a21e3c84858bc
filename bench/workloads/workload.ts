import type { Launch, Tool } from '../system/launch.js'

/** What is counted, and how its cost and speed are best written. */
export interface WorkUnit {
  readonly name: string
  readonly cpuLabel: string
  /** From CPU seconds per unit to the number that is printed. */
  readonly cpuScale: number
  readonly rateLabel: string
  /** From units per second to the number that is printed. */
  readonly rateScale: number
}

/** What a generator says it has done. */
export interface Work {
  readonly units: number
  readonly seconds: number
  readonly p99Ms?: number
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

/** One kind of traffic: the server behind the relay, the generator before it, and what it counts. */
export interface Workload {
  readonly name: string
  readonly title: string
  readonly unit: WorkUnit
  readonly needs: readonly Tool[]
  server(site: ServerSite): Launch
  /** Load that is not measured: compilers, caches and buffers settle. */
  warmUp(port: number, warmUpMs: number): Launch
  generator(site: GeneratorSite): Launch
  /** Reads the generator's output; throws when it reports no work. */
  readWork(output: string): Work
}
