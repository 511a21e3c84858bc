/** Runs the tests of routes that a configuration contains. */
import type { AccessPlan } from '../../admission/rule-list-plan.js'
import type { Position } from '../../base/problem.js'
import { shortened, shown } from '../../config/expectation.js'
import type { Located } from '../../config/located.js'
import { nameHint } from '../../config/name-hint.js'
import { type ConfigProblem, Problems } from '../../config/problems.js'
import type { TestSettings } from '../../config/table-test.js'
import type { ChoosingPlan } from '../../engine/build-pools.js'
import type { ClientKeyPlan } from '../../relay/client-key.js'
import { type ExplainedDecision, explainChoice } from '../../relay/explain-decision.js'
import type { Unserved } from '../../relay/opening/routing.js'
import type { RelayPool } from '../../relay/relay-pools.js'
import { accessPlan } from '../compile/admission-plan.js'
import { rowCounts } from '../compile/dynamic-plans.js'
import { poolIndex, poolPlans } from '../compile/pool-plans.js'
import { remotePlans } from '../compile/remote-plans.js'
import { routePlans } from '../compile/route-plans.js'
import { NO_GEO } from '../load/geo-loading.js'
import type { Loaded } from '../load/load.js'
import { type Missing, type TestClient, testClient } from './test-client.js'
import { TestedRoutes } from './tested-routes.js'

type Configured = Pick<Loaded, 'spawnd' | 'tcprelay'> & Partial<Pick<Loaded, 'geo'>>

/** Policies that always choose the same remote for a client, while the remotes are the same. */
const DETERMINED: readonly string[] = ['source', 'maglev', 'first']

/** An error for each test that fails. Requires a configuration without errors. */
export function routeTestProblems(configured: Configured): readonly ConfigProblem[] {
  const { tests } = configured.tcprelay
  if (tests.length === 0) return []
  const run = new TestRun(configured)
  for (const test of tests) run.run(test)
  run.close()
  return run.problems.sorted()
}

/** Those of the section and of listeners are not part of tests. */
function accessOfRoutes({ geo = NO_GEO, tcprelay }: Configured): AccessPlan {
  return accessPlan({
    spawnd: { accessRules: [], accessDefault: undefined, listeners: [] },
    tcprelay,
    geo: geo.networks,
  })
}

class TestRun {
  readonly problems = new Problems()
  readonly #configured: Configured
  readonly #plan: ChoosingPlan
  readonly #routes: TestedRoutes

  constructor(configured: Configured) {
    this.#configured = configured
    this.#plan = choosingPlan(configured)
    this.#routes = new TestedRoutes(this.#plan, accessOfRoutes(configured))
  }

  close(): void {
    this.#routes.close()
  }

  run(test: TestSettings): void {
    const client = testClient(test, this.#configured.spawnd.listeners)
    const decision = this.#routes.decide(client)
    if ('dependsOn' in decision) {
      const what = decision.route === undefined ? 'the pool' : this.#rule(decision.route, test)
      this.#refuse(test, what, decision.dependsOn)
    } else this.#compare(test, client, decision)
  }

  #compare(test: TestSettings, client: TestClient, decision: ExplainedDecision): void {
    const { pool, reject, remote } = test.expected
    const outcome = this.#outcome(decision, client, test)
    const { found } = decision
    const host = typeof found === 'string' ? undefined : hostOf(found, client)
    if (typeof found === 'string' || host === '' || decision.rule !== undefined) {
      const how = found === 'reject-close' || decision.rule !== undefined ? 'close' : 'reset'
      if (reject !== 'any' && reject !== how) this.#fail(test, outcome)
    } else if (host !== undefined) {
      if (pool !== undefined || remote?.value !== host) this.#fail(test, outcome)
    } else if (reject !== undefined || (pool !== undefined && pool.value !== found.pool.name)) {
      this.#fail(test, outcome)
    } else if (remote !== undefined) this.#compareRemote(test, remote, client, found, outcome)
  }

  #compareRemote(
    test: TestSettings,
    { position, value }: Located<string>,
    client: TestClient,
    found: RelayPool,
    outcome: string,
  ): void {
    const { key, policy, pool } = found
    const nameOf = (slot: number) => this.#plan.remotes[slot]?.name ?? ''
    if (!this.#plan.remotes.some(({ name }) => name === value)) {
      const hint = nameHint(value, new Set(pool.members.map(nameOf)), 'remotes')
      this.problems.error(position, `there is no remote ${shown(value)}`, { hint })
      return
    }
    const { remotes, slot } = explainChoice(found, client, 0)
    const isOpen = remotes.filter(({ skipped }) => skipped === undefined).length > 1
    if (isOpen && !DETERMINED.includes(policy)) {
      const why = `the pool ${pool.name} has ${remotes.length} remotes, and its policy ${policy} does not always choose the same one`
      const hint = `write 'expect pool = ${pool.name}'`
      this.problems.error(position, `${nameOfTest(test)}: expected remote ${shortened(value)}, but ${why}`, {
        hint,
      })
    } else if (isOpen && key !== undefined && hashesMissingAddress(client, key)) {
      this.#refuse(test, 'the remote', 'from')
    } else if (slot < 0) this.#fail(test, `${outcome}, which serves no clients`)
    else if (nameOf(slot) !== value)
      this.#fail(test, `${outcome}, and its policy ${policy} chose ${nameOf(slot)}`)
  }

  #fail(test: TestSettings, outcome: string): void {
    const { pool, reject, remote } = test.expected
    const wanted = [
      ...(pool === undefined ? [] : [`pool ${shortened(pool.value)}`]),
      ...(remote === undefined ? [] : [`remote ${shortened(remote.value)}`]),
      ...(reject === undefined ? [] : [reject === 'any' ? 'reject' : `reject = ${reject}`]),
    ]
    const position = pool?.position ?? remote?.position ?? test.position
    this.problems.error(position, `${nameOfTest(test)}: expected ${wanted.join(' and ')}, but ${outcome}`)
  }

  #refuse(test: TestSettings, what: string, missing: Missing): void {
    const message = `${nameOfTest(test)}: ${what} depends on '${missing}', which this test does not have`
    this.problems.error(test.position, message, { hint: `add '${missing} = ${EXAMPLES[missing]}'` })
  }

  /** `route 3 (line 12) chose pool web` */
  #outcome(decision: ExplainedDecision, client: TestClient, test: TestSettings): string {
    const { found } = decision
    const verdict =
      decision.rule !== undefined
        ? `rejects the client by its access rules (rule ${decision.rule})`
        : typeof found === 'string'
          ? REJECTIONS[found]
          : verdictOf(found, client)
    if (decision.route !== undefined) return `${this.#rule(decision.route.index, test)} ${verdict}`
    const listener = this.#configured.spawnd.listeners[client.listenerSlot]
    if (listener?.pool !== undefined)
      return `the listener (${placeOf(listener.position, test.position)}) ${verdict}`
    return `no route matches, and ${typeof found === 'string' ? "there is no pool 'default'" : `pool ${found.pool.name} serves the rest`}`
  }

  #rule(route: number, { position }: TestSettings): string {
    return `route ${route + 1} (${placeOf(this.#configured.tcprelay.routes[route]?.position, position)})`
  }
}

const EXAMPLES: Readonly<Record<Missing, string>> = {
  from: 'ADDRESS',
  listener: 'NAME',
  port: 'N',
  realm: 'NAME',
  time: 'mon 03:00',
  'tls version': 'TLSv1.3',
}

const REJECTIONS: Readonly<Record<Unserved, string>> = {
  'no-route': 'leads to no pool',
  'reject-close': 'rejects the client (close)',
  'reject-reset': 'rejects the client (reset)',
}

function verdictOf(found: RelayPool, client: TestClient): string {
  const host = hostOf(found, client)
  if (host === undefined) return `chose pool ${found.pool.name}`
  return host === '' ? "does not allow the client's server name" : `connects to the host ${host}`
}

/** The host of a client of a dynamic route; '': the route does not allow it. Undefined: the route is not dynamic. */
function hostOf({ hosts }: RelayPool, { facts }: TestClient): string | undefined {
  if (hosts === undefined) return undefined
  return hosts.allows(facts.serverName()) ? facts.serverName() : ''
}

function nameOfTest({ name }: TestSettings): string {
  return `test "${shortened(name)}"`
}

/** A place in a file as it is written beside another one: with the name of its file if that differs. */
function placeOf(place: Position | undefined, beside: Position): string {
  if (place === undefined) return 'at an unknown place'
  return place.file === beside.file ? `line ${place.line}` : `${place.file}:${place.line}`
}

/** Other keys than the server name are not known of clients of tests: these have their address as key, too. */
function hashesMissingAddress({ facts, missing }: TestClient, { by }: ClientKeyPlan): boolean {
  return missing.has('from') && (by !== 'server-name' || facts.serverName() === '')
}

/** The parts of the plan that choose, compiled as for a reactor; the slots of remotes are their indices. */
function choosingPlan({ spawnd, tcprelay }: Configured): ChoosingPlan {
  const { pools, remotes } = rowCounts(tcprelay)
  const slots = [...Array(remotes).keys()]
  return {
    listeners: spawnd.listeners.map(({ pool }) => ({ pool: pool && poolIndex(tcprelay, pool.value) })),
    pools: poolPlans(tcprelay, [...Array(pools).keys()], slots),
    defaultPool: poolIndex(tcprelay),
    routes: routePlans(tcprelay, spawnd.listeners),
    remotes: remotePlans(tcprelay, slots, { clients: [], probes: [] }, []),
  }
}
