import { median } from '../statistics.js'
import type { MicroCase } from './micro-case.js'

/** How long and how often. */
export interface Effort {
  /** Minimum duration of a run, so that the clock's resolution and one interrupt do not matter. */
  readonly runMs: number
  readonly runs: number
}

export interface MicroResult {
  readonly name: string
  readonly size: number
  readonly isFlat: boolean
  /** Nanoseconds per operation: the median of all runs, the best and the worst. */
  readonly medianNs: number
  readonly bestNs: number
  readonly worstNs: number
}

function timeMs(run: (times: number) => void, times: number): number {
  const startMs = performance.now()
  run(times)
  return performance.now() - startMs
}

/** Number of operations of a run; finding it out also warms up. */
function timesFor(run: (times: number) => void, runMs: number): number {
  for (let times = 1; ; times *= 2) {
    const tookMs = timeMs(run, times)
    if (tookMs >= runMs) return times
  }
}

/** A case with all its sizes; their runs alternate, so that other load on the machine affects all of them. */
export function measureCase({ isFlat, name, prepare, sizes }: MicroCase, effort: Effort): MicroResult[] {
  const prepared = sizes.map((size) => {
    const run = prepare(size)
    return { size, run, times: timesFor(run, effort.runMs), ns: [] as number[] }
  })
  for (let i = 0; i < effort.runs; i++) {
    for (const { ns, run, times } of prepared) ns.push((timeMs(run, times) / times) * 1e6)
  }
  return prepared.map(({ ns, size }) => ({
    name,
    size,
    isFlat,
    medianNs: median(ns),
    bestNs: Math.min(...ns),
    worstNs: Math.max(...ns),
  }))
}

/** The median cost of the largest size, divided by that of the smallest; undefined without a promise of flat cost. */
export function flatness(results: readonly MicroResult[]): number | undefined {
  const [first] = results
  const last = results.at(-1)
  if (first === undefined || last === undefined || first === last || !first.isFlat) return undefined
  return last.medianNs / first.medianNs
}
