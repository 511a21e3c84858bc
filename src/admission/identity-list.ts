import { type RulePlace, ruleName } from './rule-name.js'

/** A line of an access list about clients of Unix sockets, by the user and the groups of who has connected. */
export interface IdentityRule {
  readonly isPermit: boolean
  /** Applies to everybody else instead. */
  readonly isNegated: boolean
  /** Numbers; it applies to each of these users, and to the members of each of these groups. */
  readonly users: readonly number[]
  readonly groups: readonly number[]
  /** Where it is in the configuration. */
  readonly position?: RulePlace
}

/** Who may connect to Unix sockets: the first line that applies decides, and a list without one rejects. */
export class IdentityList {
  readonly #rules: readonly IdentityRule[]
  /** Whether it matters which groups somebody is in beside his first. */
  readonly asksGroups: boolean
  #applied: IdentityRule | undefined

  constructor(rules: readonly IdentityRule[]) {
    this.#rules = rules
    this.asksGroups = rules.some(({ groups }) => groups.length > 0)
  }

  /** Nothing is said of clients of Unix sockets: everybody may connect. */
  get isEmpty(): boolean {
    return this.#rules.length === 0
  }

  /** The rule that rejected whoever was asked about last. */
  get rule(): string {
    return ruleName(this.#applied?.position)
  }

  /** Rejects a client of whom the kernel does not say who it is: no rule can apply. */
  rejectUnknown(): false {
    this.#applied = undefined
    return false
  }

  /** `further`: the other groups of the client, the first `furtherCount` numbers. */
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
