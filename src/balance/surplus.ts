/** Which remote of a pool has too many sessions, compared with the others. Pure. */
import type { PoolView } from './policy.js'

export interface Surplus {
  /** The remote. */
  readonly slot: number
  /** Sessions above its share, at least 1. */
  readonly count: number
}

/**
 * The fullest of the remotes that have more than their share and `over` (0.2: a fifth) of it, and at least one session too
 * many; undefined if there is none. A remote that gets no clients now neither sheds nor counts.
 */
export function surplusRemote(
  view: Pick<PoolView, 'members' | 'use' | 'weight'>,
  isHealthy: (slot: number) => boolean,
  over: number,
): Surplus | undefined {
  const { use, weight } = view
  const healthy = Array.from(view.members).filter(isHealthy)
  const sessions = sum(healthy, use)
  const weights = sum(healthy, weight)
  let fullest: Surplus | undefined
  let most = 0
  for (const slot of healthy) {
    const own = use[slot] as number
    const share = (sessions * (weight[slot] as number)) / weights
    if (own < share + 1 || own <= share * (1 + over) || own / share <= most) continue
    fullest = { slot, count: Math.floor(own - share) }
    most = own / share
  }
  return fullest
}

function sum(slots: readonly number[], of: ArrayLike<number>): number {
  return slots.reduce((total, slot) => total + (of[slot] as number), 0)
}
