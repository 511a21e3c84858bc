/** Checks what policies read from memory that all workers share. A compromised worker may have written any value. */

/** The clock of a reactor stands still during a turn, so that of another worker may be ahead by this much. */
const AHEAD_MAX_MS = 1_000

/** A number that any worker may have written: 0 unless it is between 0 and `max`. */
export function amountOf(written: number, max: number): number {
  return written >= 0 && written <= max ? written : 0
}

/** The age of a time that any worker may have written; Infinity if that cannot be one. */
export function ageMsOf(writtenMs: number, nowMs: number): number {
  const ageMs = nowMs - writtenMs
  return ageMs >= -AHEAD_MAX_MS ? Math.max(0, ageMs) : Infinity
}
