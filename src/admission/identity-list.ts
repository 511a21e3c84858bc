/** Access lists about users and groups of clients of Unix sockets. */
import { type RulePlace, ruleName } from './rule-name.js'

/** One `permit` or `deny` about users and groups. */
export interface IdentityRule {
  readonly isPermit: boolean
  /** `not`: applies to all other clients instead. */
  readonly isNegated: boolean
  /** Numeric ids: the rule applies to these users and to members of these groups. */
  readonly users: readonly number[]
  readonly groups: readonly number[]
  /** Its place in the configuration. */
  readonly position?: RulePlace
}

/** Decides about clients of Unix sockets: the first matching rule decides, and clients that match none are rejected. */
export class IdentityList {
  readonly #rules: readonly IdentityRule[]
  /** Whether supplementary groups of clients have to be looked up. */
  readonly asksGroups: boolean
  #applied: IdentityRule | undefined

  constructor(rules: readonly IdentityRule[]) {
    this.#rules = rules
    this.asksGroups = rules.some(({ groups }) => groups.length > 0)
  }

  /** Without rules every client is admitted. */
  get isEmpty(): boolean {
    return this.#rules.length === 0
  }

  /** The rule that rejected the last client. */
  get rule(): string {
    return ruleName(this.#applied?.position)
  }

  /** Rejects a client whose credentials the kernel does not report: no rule can apply. */
  rejectUnknown(): false {
    this.#applied = undefined
    return false
  }

  /** `further`: the client's supplementary groups, the first `furtherCount` numbers. */
  admits(user: number, group: number, further: ArrayLike<number>, furtherCount: number): boolean {
    this.#applied = undefined
    for (const rule of this.#rules) {
      const isNamed = rule.users.includes(user) || isMember(rule.groups, group, further, furtherCount)
      if (isNamed === rule.isNegated) continue
      this.#applied = rule
      return rule.isPermit
    }
    return this.isEmpty
  }
}

function isMember(
  groups: readonly number[],
  group: number,
  further: ArrayLike<number>,
  furtherCount: number,
): boolean {
  if (groups.includes(group)) return true
  for (let i = 0; i < furtherCount; i++) if (groups.includes(further[i] as number)) return true
  return false
}
