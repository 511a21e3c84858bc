import { BLOCK_BYTES } from './blocks.js'
import type { SplicePolicy } from './pipes.js'

/** The values of the directive `splice`. docs/performance.md says what the numbers are good for. */
export type SpliceMode = 'auto' | 'yes' | 'no'

export const SPLICE_POLICIES: Readonly<Record<SpliceMode, SplicePolicy>> = {
  /** Promotes after a whole turn of full blocks. */
  auto: { fullBytes: BLOCK_BYTES, fullReads: 8, shortBytes: 8 * 1024 },
  yes: { fullBytes: 0, fullReads: 0, shortBytes: 0 },
  no: { fullBytes: BLOCK_BYTES, fullReads: Number.POSITIVE_INFINITY, shortBytes: 0 },
}
