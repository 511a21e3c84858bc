/** How long clients have waited in the queues of pools. */
import type { Sweep } from './sweep.js'

/** By pool: the waits of its clients in ascending order, without those that lasted no time. */
export function waitsByPool({ pools, waitedMs }: Pick<Sweep, 'pools' | 'waitedMs'>): readonly Float64Array[] {
  const counts: number[] = []
  for (let i = 0; i < pools.length; i++) {
    const pool = pools[i] as number
    if (hasWaited(pool, waitedMs[i])) counts[pool] = (counts[pool] ?? 0) + 1
  }
  const waits = Array.from(counts, (count = 0) => new Float64Array(count))
  const filled = counts.map(() => 0)
  for (let i = 0; i < pools.length; i++) {
    const pool = pools[i] as number
    if (!hasWaited(pool, waitedMs[i])) continue
    const at = filled[pool] ?? 0
    const ofPool = waits[pool] as Float64Array
    ofPool[at] = waitedMs[i] as number
    filled[pool] = at + 1
  }
  return waits.map((ofPool) => ofPool.sort())
}

function hasWaited(pool: number, waitedMs: number | undefined): boolean {
  return pool >= 0 && waitedMs !== undefined && waitedMs > 0
}
