/** When an answer of DNS is asked for again. */
import type { DnsPlan } from '../discover-plan.js'

export function intervalOf(plan: Pick<DnsPlan, 'maxIntervalMs' | 'minIntervalMs'>, ttlMs: number): number {
  return Math.max(plan.minIntervalMs, Math.min(ttlMs, plan.maxIntervalMs))
}
