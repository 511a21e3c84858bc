/** Limits of the bytes and times of a session, as plain data: the directives of `limit` blocks that are about sessions. */

export interface SessionLimits {
  /** From the client to the remote. Infinity: no limit. */
  readonly bytesInPerS: number
  /** From the remote to the client. */
  readonly bytesOutPerS: number
  /** How long a client may be silent that is connected to a remote. */
  readonly firstByteTimeoutMs: number
  /** From the accept on. */
  readonly maxLifetimeMs: number
  /** The part of `maxLifetimeMs`, from 0 to 1, by which sessions end earlier, each by another one. */
  readonly lifetimeJitter: number
  /** What a peer has to take while bytes wait for it… */
  readonly minBytesPerS: number
  /** …on the average of this time. */
  readonly minRateWindowMs: number
}

/** Of a limit that says nothing about sessions. */
export const UNLIMITED: SessionLimits = {
  bytesInPerS: Number.POSITIVE_INFINITY,
  bytesOutPerS: Number.POSITIVE_INFINITY,
  firstByteTimeoutMs: Number.POSITIVE_INFINITY,
  maxLifetimeMs: Number.POSITIVE_INFINITY,
  lifetimeJitter: 0,
  minBytesPerS: 0,
  minRateWindowMs: 0,
}

/** Both hold: of each value the stricter one. Undefined: no limits. */
export function bothLimits(
  one: SessionLimits | undefined,
  other: SessionLimits | undefined,
): SessionLimits | undefined {
  if (one === undefined || other === undefined) return one ?? other
  const shorter = one.maxLifetimeMs <= other.maxLifetimeMs ? one : other
  const stricter = one.minBytesPerS >= other.minBytesPerS ? one : other
  return {
    bytesInPerS: Math.min(one.bytesInPerS, other.bytesInPerS),
    bytesOutPerS: Math.min(one.bytesOutPerS, other.bytesOutPerS),
    firstByteTimeoutMs: Math.min(one.firstByteTimeoutMs, other.firstByteTimeoutMs),
    maxLifetimeMs: shorter.maxLifetimeMs,
    lifetimeJitter: shorter.lifetimeJitter,
    minBytesPerS: stricter.minBytesPerS,
    minRateWindowMs: stricter.minRateWindowMs,
  }
}
