/** The health check of a remote: the directives of its own block, then those of its pool. */
import type { HealthSettings } from './table-health.js'

/** Undefined: neither has a block. */
export function mergedHealth(
  ofRemote: HealthSettings | undefined,
  ofPool: HealthSettings | undefined,
): HealthSettings | undefined {
  if (ofRemote === undefined || ofPool === undefined) return ofRemote ?? ofPool
  const own = Object.entries(ofRemote).filter(([, value]) => value !== undefined)
  return { ...ofPool, ...Object.fromEntries(own) }
}
