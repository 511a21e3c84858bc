import type { MemoryReading } from './system/memory.js'
import type { Work } from './workloads/workload.js'

/** More foreign work than this, as a share of a core, makes a measurement doubtful. */
export const FOREIGN_SHARE_MAX = 0.1

/** One measurement of one relay with one workload. */
export interface Sample {
  readonly relay: string
  readonly workload: string
  readonly round: number
  readonly work: Work
  /** The judged value: CPU seconds or bytes of memory per unit, or the 99th percentile of its latency in seconds. */
  readonly costPerUnit: number
  /** CPU time of the relay's whole process tree from before the generator's start to after its end. */
  readonly cpuSeconds: number
  /** The same for each of its child processes; none for a single process. */
  readonly childCpuSeconds: readonly number[]
  readonly windowSeconds: number
  /** Of the relay's whole process tree, where memory is measured: with and without the work. */
  readonly memory?: { readonly before: MemoryReading; readonly after: MemoryReading }
  /** CPU use of other programs on the two cores, in cores: shows noisy neighbours. */
  readonly foreignShare: number
}

/** A measurement that gave no number. */
export interface Failure {
  readonly relay: string
  readonly workload: string
  readonly round: number
  readonly reason: string
}
