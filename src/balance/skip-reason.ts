/** Why a pool skips a remote, as numbers: the index of a name in SKIP_REASONS. */

export const SKIP_REASONS = [
  /** The client has tried it. */
  'tried',
  'weight-0',
  /** Its name has no address yet. */
  'no-address',
  'drain',
  'maint',
  /** The head's verdict. */
  'down',
  'backing-off',
  /** Its tier is not in use. */
  'reserve',
  /** It has its maximum of sessions. */
  'full',
] as const

export type SkipReason = (typeof SKIP_REASONS)[number]

export const SKIP = Object.fromEntries(SKIP_REASONS.map((name, index) => [name, index])) as Readonly<
  Record<SkipReason, number>
>

/** It is not skipped. */
export const NOT_SKIPPED = -1
