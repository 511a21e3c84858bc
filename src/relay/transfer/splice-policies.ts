/** When bytes are moved by splice(2) instead of being copied. */
export interface SplicePolicy {
  /** A run that moves so much is a big one. */
  readonly bigBytes: number
  /** So many big ones, and no small one between them, promote a direction. */
  readonly bigRuns: number
  /** A run that moves less is a small one. */
  readonly smallBytes: number
  /** So many small ones in a row demote it; one is enough to begin counting anew before. */
  readonly smallRuns: number
  /** After so many big ones a direction that has drained its source lets some more come before it looks again… */
  readonly restRuns: number
  /** …if it has just moved so much that a rest brings a good part of that. */
  readonly restBytes: number
}

/** The values of the directive `splice`. docs/performance.md says where the numbers come from. */
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
