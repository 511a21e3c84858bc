/** What all access rules have in common. */
import type { RulePlace } from './rule-name.js'

/** One `permit` or `deny`. */
export interface RuleVerdict {
  readonly isPermit: boolean
  /** `not`: applies to all other clients instead. */
  readonly isNegated: boolean
  /** Its place in the configuration. */
  readonly position?: RulePlace
}
