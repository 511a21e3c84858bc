/** The limits of the bytes and times of sessions: those of several `limit` blocks together. */
import type { LimitSettings } from '../../config/table-limit.js'
import { bothLimits, type SessionLimits, UNLIMITED } from '../../relay/session-limits.js'
import { endless } from '../load/endless.js'

/** Undefined: none of the blocks limits sessions. */
export function sessionLimits(limits: readonly LimitSettings[]): SessionLimits | undefined {
  return limits.map(limitsOf).reduce(bothLimits, undefined)
}

function limitsOf(limit: LimitSettings): SessionLimits | undefined {
  const { bytesInPerS, bytesOutPerS, firstByteTimeoutMs, key, maxLifetimeMs, minRate } = limit
  const isOfSession = key.by === 'session'
  const own: SessionLimits = {
    bytesInPerS: (isOfSession ? bytesInPerS : undefined) ?? UNLIMITED.bytesInPerS,
    bytesOutPerS: (isOfSession ? bytesOutPerS : undefined) ?? UNLIMITED.bytesOutPerS,
    firstByteTimeoutMs: endless(firstByteTimeoutMs),
    maxLifetimeMs: endless(maxLifetimeMs),
    lifetimeJitter: limit.jitterPercent / 100,
    minBytesPerS: minRate?.bytesPerS ?? UNLIMITED.minBytesPerS,
    minRateWindowMs: minRate?.windowMs ?? UNLIMITED.minRateWindowMs,
  }
  const { firstByteTimeoutMs: first, maxLifetimeMs: lifetime } = own
  const hasTimes = Math.min(first, lifetime) < Number.POSITIVE_INFINITY || minRate !== undefined
  const hasRates = Math.min(own.bytesInPerS, own.bytesOutPerS) < Number.POSITIVE_INFINITY
  return hasTimes || hasRates ? own : undefined
}
