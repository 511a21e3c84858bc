/** A line of an access list about clients of Unix sockets, by the user and the groups of who has connected. */
export interface IdentityRule {
  readonly isPermit: boolean
  /** Applies to everybody else instead. */
  readonly isNegated: boolean
  /** Numbers; it applies to each of these users, and to the members of each of these groups. */
  readonly users: readonly number[]
  readonly groups: readonly number[]
}

/** Who may connect to Unix sockets: the first line that applies decides, and a list without one rejects. */
export class IdentityList {
  readonly #rules: readonly IdentityRule[]
  /** Whether it matters which groups somebody is in beside his first. */
  readonly asksGroups: boolean

  constructor(rules: readonly IdentityRule[]) {
    this.#rules = rules
    this.asksGroups = rules.some(({ groups }) => groups.length > 0)
  }

  /** Nothing is said of clients of Unix sockets: everybody may connect. */
  get isEmpty(): boolean {
    return this.#rules.length === 0
  }

  /** `further`: the other groups of the client, the first `furtherCount` numbers. */
  admits(user: number, group: number, further: ArrayLike<number>, furtherCount: number): boolean {
    for (const rule of this.#rules) {
      const isNamed = rule.users.includes(user) || isMember(rule.groups, group, further, furtherCount)
      if (isNamed !== rule.isNegated) return rule.isPermit
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
