/** Access lists about users and groups of clients of Unix sockets. */
import { ADMITS, type Answer, NO_ANSWER, REJECTS } from './access-table.js'
import { ruleName } from './rule-name.js'
import type { RuleVerdict } from './rule-verdict.js'

/** One `permit` or `deny` about users and groups. */
export interface IdentityRule extends RuleVerdict {
  /** Numeric ids: the rule applies to these users and to members of these groups. */
  readonly users: readonly number[]
  readonly groups: readonly number[]
}

/** A client of a Unix socket. */
export interface Identity {
  readonly user: number
  readonly group: number
  /** Supplementary groups: the first `groupCount` numbers. */
  readonly groups: ArrayLike<number>
  /** Below 0: the kernel does not report them. Read only if a rule is about groups. */
  readonly groupCount: number
}

/** Decides about clients of Unix sockets: the first matching rule decides. */
export class IdentityList {
  readonly #rules: readonly IdentityRule[]
  readonly #asksGroups: boolean
  #applied: IdentityRule | undefined

  constructor(rules: readonly IdentityRule[]) {
    this.#rules = rules
    this.#asksGroups = rules.some(({ groups }) => groups.length > 0)
  }

  /** The rule that rejected the last client. */
  get rule(): string {
    return ruleName(this.#applied?.position)
  }

  /** Undefined: the kernel does not report the credentials. Such a client is rejected: no rule can apply. */
  answer(client: Identity | undefined): Answer {
    this.#applied = undefined
    if (client === undefined || (this.#asksGroups && client.groupCount < 0)) return REJECTS
    for (const rule of this.#rules) {
      const isNamed =
        rule.users.includes(client.user) || (rule.groups.length > 0 && isMember(rule.groups, client))
      if (isNamed === rule.isNegated) continue
      this.#applied = rule
      return rule.isPermit ? ADMITS : REJECTS
    }
    return NO_ANSWER
  }
}

function isMember(wanted: readonly number[], { group, groupCount, groups }: Identity): boolean {
  if (wanted.includes(group)) return true
  for (let i = 0; i < groupCount; i++) if (wanted.includes(groups[i] as number)) return true
  return false
}
