import type { SplicePolicy } from './pipes.js'

/** The values of the directive `splice`. docs/performance.md says where the numbers come from. */
export type SpliceMode = 'auto' | 'yes' | 'no'

const KiB = 1024
const AUTO: SplicePolicy = { bigBytes: 64 * KiB, bigRuns: 4, smallBytes: 32 * KiB, smallRuns: 2 }

export const SPLICE_POLICIES: Readonly<Record<SpliceMode, SplicePolicy>> = {
  auto: AUTO,
  yes: { bigBytes: 0, bigRuns: 0, smallBytes: 0, smallRuns: 0 },
  no: { ...AUTO, bigRuns: Number.POSITIVE_INFINITY },
}
