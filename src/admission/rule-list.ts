/** One list of access rules, ready to be evaluated. */
import { AccessList } from './access-list.js'
import { ADMITS, type Answer, NO_ANSWER, REJECTS } from './access-table.js'
import { type Identity, IdentityList } from './identity-list.js'
import type { RouteFacts } from './route-facts.js'
import { RouteMatcher } from './route-matcher.js'
import { NEEDS_NOTHING, needsOfConditions } from './route-needs.js'
import type { RouteConditions } from './route-plan.js'
import type { Otherwise, RuleListPlan, RuleStep } from './rule-list-plan.js'
import { NO_RULE, ruleName } from './rule-name.js'
import type { RuleVerdict } from './rule-verdict.js'
import type { ZoneClock } from './zone-clock.js'

/** What the rules are about that are known when a client is accepted. One record may serve all clients. */
export interface RuleClient {
  /** As in `RouteFacts`. */
  readonly address: Uint8Array
  readonly addressAt: number
  readonly addressByteCount: number
  /** Of a client of a Unix socket; called if a rule asks for it. Undefined: the kernel does not report it. */
  identity(): Identity | undefined
}

/** Rules may name this place of a list: how `rule=` is completed. */
interface Part {
  readonly rule: string
  /** `facts`: undefined before they are known; NO_ANSWER may then mean that this part is open. */
  answer(client: RuleClient, facts: RouteFacts | undefined): Answer
}

export class RuleList {
  readonly #ofIp: readonly Part[]
  readonly #ofUnix: readonly Part[]
  readonly #otherwise: Pick<RuleListPlan, 'ofIp' | 'ofUnix'>
  /** What must be read from clients for its rules: a mask of the bits of `route-needs.ts`. */
  readonly needs: number
  /** What rejected the last client. */
  #rejecting: Part | Otherwise | undefined

  /** `wallMs`: milliseconds since 1970, for time windows. */
  constructor(plan: RuleListPlan, zones: ZoneClock, wallMs: () => number) {
    const parts = plan.steps.map((step) => ({ kind: step.kind, part: partOf(step, zones, wallMs) }))
    this.#ofIp = parts.flatMap(({ kind, part }) => (kind === 'identities' ? [] : part))
    this.#ofUnix = parts.flatMap(({ kind, part }) => (kind === 'addresses' ? [] : part))
    this.#otherwise = plan
    this.needs = needsOfRules(plan)
  }

  /** Without facts NO_ANSWER: the verdict depends on them. With facts there always is a verdict. */
  decide(client: RuleClient, facts: RouteFacts | undefined): Answer {
    const isIp = client.addressByteCount > 0
    let mayAdmit = false
    let mayReject = false
    for (const part of isIp ? this.#ofIp : this.#ofUnix) {
      if (facts === undefined && part instanceof Condition && part.needs !== NEEDS_NOTHING) {
        mayAdmit ||= part.isPermit
        mayReject ||= !part.isPermit
        continue
      }
      const answer = part.answer(client, facts)
      if (answer !== NO_ANSWER) return this.#settle(answer, part, mayAdmit, mayReject)
    }
    const otherwise = isIp ? this.#otherwise.ofIp : this.#otherwise.ofUnix
    return this.#settle(otherwise.isPermit ? ADMITS : REJECTS, otherwise, mayAdmit, mayReject)
  }

  /** File and line of the rule that rejected the last client; `none` if none applied. */
  get rule(): string {
    const rejecting = this.#rejecting
    if (rejecting === undefined) return NO_RULE
    return 'rule' in rejecting ? rejecting.rule : ruleName(rejecting.position)
  }

  /** A rule that applies decides, unless one before it is open and would decide otherwise. */
  #settle(answer: Answer, by: Part | Otherwise, mayAdmit: boolean, mayReject: boolean): Answer {
    if (answer === REJECTS && !mayAdmit) this.#rejecting = by
    return (answer === REJECTS ? mayAdmit : mayReject) ? NO_ANSWER : answer
  }
}

/** What the rules of a list have to know of a client. */
export function needsOfRules({ steps }: RuleListPlan): number {
  return steps.reduce(
    (needs, step) => (step.kind === 'condition' ? needs | needsOfConditions(step.conditions) : needs),
    NEEDS_NOTHING,
  )
}

function partOf(step: RuleStep, zones: ZoneClock, wallMs: () => number): Part {
  switch (step.kind) {
    case 'addresses':
      return new Addresses(new AccessList(step.table))
    case 'identities':
      return new Identities(new IdentityList(step.rules))
    case 'condition':
      return new Condition(step, zones, wallMs)
  }
}

class Addresses implements Part {
  readonly #list: AccessList

  constructor(list: AccessList) {
    this.#list = list
  }

  get rule(): string {
    return this.#list.rule
  }

  answer({ address, addressAt, addressByteCount }: RuleClient): Answer {
    return this.#list.answer(address, addressAt, addressByteCount)
  }
}

class Identities implements Part {
  readonly #list: IdentityList

  constructor(list: IdentityList) {
    this.#list = list
  }

  get rule(): string {
    return this.#list.rule
  }

  answer(client: RuleClient): Answer {
    return this.#list.answer(client.identity())
  }
}

class Condition implements Part {
  readonly isPermit: boolean
  readonly needs: number
  readonly rule: string
  readonly #isNegated: boolean
  readonly #matcher: RouteMatcher
  readonly #wallMs: () => number

  constructor(
    { conditions, isNegated, isPermit, position }: RuleVerdict & { readonly conditions: RouteConditions },
    zones: ZoneClock,
    wallMs: () => number,
  ) {
    this.isPermit = isPermit
    this.needs = needsOfConditions(conditions)
    this.rule = ruleName(position)
    this.#isNegated = isNegated
    this.#matcher = new RouteMatcher(conditions, zones)
    this.#wallMs = wallMs
  }

  answer(_client: RuleClient, facts: RouteFacts | undefined): Answer {
    const isMatch = this.#matcher.matches(facts ?? NO_FACTS, this.#wallMs())
    return isMatch === this.#isNegated ? NO_ANSWER : this.isPermit ? ADMITS : REJECTS
  }
}

/** Of a client of which nothing has been read: for conditions that need nothing. */
const NO_FACTS: RouteFacts = {
  listenerSlot: -1,
  localPort: 0,
  realm: '',
  address: new Uint8Array(0),
  addressAt: 0,
  addressByteCount: 0,
  addressHash: () => 0,
  serverName: () => '',
  alpn: () => [],
  protocol: () => '',
  tlsVersion: () => '',
  certificate: () => undefined,
  user: () => '',
}
