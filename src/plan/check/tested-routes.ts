/** What the routes of a configuration say about the client of a test: with the code that routes clients. */
import { RouteMatcher } from '../../admission/route-matcher.js'
import type { RouteConditions, RoutePlan } from '../../admission/route-plan.js'
import { type AccessPlan, NO_ACCESS_RULES } from '../../admission/rule-list-plan.js'
import { RuleLists } from '../../admission/rule-lists.js'
import { ZoneClock } from '../../admission/zone-clock.js'
import { RemoteHealth } from '../../balance/remote-health.js'
import { localCells } from '../../cells/cells.js'
import { buildPools, type ChoosingPlan } from '../../engine/build-pools.js'
import { DynamicHosts, type DynamicPlan } from '../../relay/dynamic-hosts.js'
import { type ExplainedDecision, explainDecision } from '../../relay/explain-decision.js'
import type { Missing, TestClient } from './test-client.js'

/** The condition that compares each fact. */
const CONDITION_OF: Readonly<Record<Missing, keyof RouteConditions>> = {
  from: 'sources',
  listener: 'listeners',
  port: 'ports',
  realm: 'realms',
  time: 'times',
  'tls version': 'tlsVersions',
}

/** The result depends on a fact that the test does not have. */
export interface Dependence {
  readonly dependsOn: Missing
  /** The index of the route for which it matters; undefined: the listeners have pools. */
  readonly route: number | undefined
}

/** All remotes are up and have no sessions, and no client is known from before. */
export class TestedRoutes {
  readonly #plan: ChoosingPlan
  readonly #access: AccessPlan
  readonly #rules: RuleLists
  /** When the client of the present test connects. */
  #atMs = 0
  readonly #built: ReturnType<typeof buildPools>
  readonly #zones = new ZoneClock()
  /** By the facts that are missing. */
  readonly #relaxed = new Map<string, RelaxedRoutes>()

  /** `access`: only the lists of routes are used. */
  constructor(plan: ChoosingPlan, access: AccessPlan = NO_ACCESS_RULES) {
    this.#access = access
    this.#rules = new RuleLists(
      access,
      () => undefined,
      () => this.#atMs,
    )
    const [pools, remotes] = [plan.pools.length, plan.remotes.length]
    const cells = localCells({ children: 1, remotes, listeners: 0, pools, ringBytes: 1 })
    const hostsOf = (dynamic: DynamicPlan, pool: number) => new DynamicHosts(dynamic, pool, 0)
    this.#plan = plan
    this.#built = buildPools(plan, cells, new RemoteHealth(remotes), { hostsOf, stickyShares: [] })
  }

  /** Frees native memory. */
  close(): void {
    this.#built.pools.close()
  }

  decide(client: TestClient): ExplainedDecision | Dependence {
    const { listeners } = this.#plan
    if (client.missing.has('listener') && listeners.some(({ pool }) => pool !== undefined))
      return { dependsOn: 'listener', route: undefined }
    this.#atMs = client.atMs
    const decision = explainDecision({ ...this.#built, rules: this.#rules }, client, client.atMs)
    if (decision.by === 'listener') return decision
    const route = decision.route?.index
    return this.#dependence(client, route) ?? this.#dependenceOfRules(client, route) ?? decision
  }

  /** The first route, up to the one that matches, for which a missing fact makes the difference. */
  #dependence(client: TestClient, matched: number | undefined): Dependence | undefined {
    const { missing } = client
    const { routes } = this.#plan
    const relaxed = this.#relaxedWithout(missing)
    for (const [at, route] of relaxed.routes.entries()) {
      if (matched !== undefined && route > matched) break
      const { conditions } = routes[route] as RoutePlan
      const matcher = relaxed.matchers[at] ?? this.#relaxedMatcher(conditions, missing)
      relaxed.matchers[at] = matcher
      if (!matcher.matches(client.facts, client.atMs)) continue
      const dependsOn = [...missing].find((fact) => conditions[CONDITION_OF[fact]] !== undefined)
      if (dependsOn !== undefined) return { dependsOn, route }
    }
    const isByAddress = matched !== undefined && routes[matched]?.target.kind === 'split'
    return isByAddress && missing.has('from') ? { dependsOn: 'from', route: matched } : undefined
  }

  /** A missing fact that the access rules of the route are about. */
  #dependenceOfRules({ missing }: TestClient, route: number | undefined): Dependence | undefined {
    const steps = (route !== undefined && this.#access.routes.get(route)?.steps) || []
    const dependsOn = [...missing].find((fact) =>
      steps.some((step) =>
        step.kind === 'condition' ? step.conditions[CONDITION_OF[fact]] !== undefined : fact === 'from',
      ),
    )
    return dependsOn === undefined ? undefined : { dependsOn, route }
  }

  #relaxedWithout(missing: ReadonlySet<Missing>): RelaxedRoutes {
    const key = [...missing].join()
    const known = this.#relaxed.get(key)
    if (known !== undefined) return known
    const names = [...missing].map((fact) => CONDITION_OF[fact])
    const routes = this.#plan.routes.flatMap(({ conditions }, route) =>
      names.some((name) => conditions[name] !== undefined) ? route : [],
    )
    const made = { routes, matchers: [] }
    this.#relaxed.set(key, made)
    return made
  }

  #relaxedMatcher(conditions: RouteConditions, missing: ReadonlySet<Missing>): RouteMatcher {
    const left = { ...conditions }
    for (const fact of missing) delete left[CONDITION_OF[fact]]
    return new RouteMatcher(left, this.#zones)
  }
}

/** The routes that compare one of several facts, in their order. */
interface RelaxedRoutes {
  readonly routes: readonly number[]
  /** Without the conditions on these facts; made when they are needed. */
  readonly matchers: RouteMatcher[]
}
