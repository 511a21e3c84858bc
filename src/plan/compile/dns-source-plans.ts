/** The plans of the sources that look members up by DNS, or read them from a file. */
import type { DiscoverSettings } from '../../config/table-discover.js'
import type { SourcePlanOf } from '../../discovery/discover-plan.js'

const TIMEOUT_MS = 2_000
const TRIES = 2
const MIN_INTERVAL_MS = 1_000
const MAX_INTERVAL_MS = 3_600_000
const FILE_INTERVAL_MS = 2_000

export function dnsPlan(settings: DiscoverSettings): SourcePlanOf<'dns'> {
  const { port = 0 } = settings
  return { ...srvPlan(settings), type: 'dns', port }
}

export function srvPlan(settings: DiscoverSettings): SourcePlanOf<'srv'> {
  const { minIntervalMs = MIN_INTERVAL_MS } = settings
  return {
    type: 'srv',
    name: settings.dnsName ?? '',
    family: settings.family ?? 'any',
    servers: settings.servers ?? [],
    timeoutMs: settings.timeoutMs ?? TIMEOUT_MS,
    tries: settings.tries ?? TRIES,
    minIntervalMs,
    maxIntervalMs: settings.maxIntervalMs ?? Math.max(MAX_INTERVAL_MS, minIntervalMs),
  }
}

export function filePlan({
  file = '',
  intervalMs = FILE_INTERVAL_MS,
}: DiscoverSettings): SourcePlanOf<'file'> {
  return { type: 'file', path: file, intervalMs }
}
