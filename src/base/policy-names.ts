/** The policies of pools, by the names that configurations use. */

/** The first one is the default. */
export const POLICY_NAMES = [
  'least-use',
  'round-robin',
  'least-connections',
  'random',
  'first',
  'source',
  'maglev',
  'least-time',
  'least-bandwidth',
] as const

/** Those whose choice does not follow a weight that changes with each client. */
export const POLICIES_WITHOUT_SLOW_START: readonly PolicyName[] = ['first', 'maglev']

export type PolicyName = (typeof POLICY_NAMES)[number]
