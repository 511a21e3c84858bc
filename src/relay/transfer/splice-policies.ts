/** When bytes are moved by splice(2) instead of being copied. */
/** Thresholds for promoting a direction from copying to splicing, and back. */
export interface SplicePolicy {
  /** A run that moves at least this much is big. */
  readonly bigBytes: number
  /** This many big runs without a small one between them promote a direction. */
  readonly bigRuns: number
  /** A run that moves less than this is small. */
  readonly smallBytes: number
  /** This many consecutive small runs demote it; before promotion a single one resets the count. */
  readonly smallRuns: number
  /** After this many big runs a direction that has drained its source rests, so that more bytes arrive… */
  readonly restRuns: number
  /** …if the last run moved at least this much. */
  readonly restBytes: number
}

/** The values of the directive `splice`. The numbers were measured: see docs/performance.md. */
export type SpliceMode = 'auto' | 'yes' | 'no'

const KiB = 1024
const AUTO: SplicePolicy = {
  bigBytes: 64 * KiB,
  bigRuns: 4,
  smallBytes: 32 * KiB,
  smallRuns: 2,
  restRuns: 64,
  restBytes: 128 * KiB,
}

export const SPLICE_POLICIES: Readonly<Record<SpliceMode, SplicePolicy>> = {
  auto: AUTO,
  yes: { ...AUTO, bigBytes: 0, bigRuns: 0, smallBytes: 0, smallRuns: 0 },
  no: { ...AUTO, bigRuns: Number.POSITIVE_INFINITY },
}
