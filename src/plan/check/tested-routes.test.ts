import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { planOf, remotePlan } from '../../../test/support/plans.js'
import { factsOf, type GivenFacts } from '../../../test/support/route-facts.js'
import { compileAccess } from '../../admission/compile-access.js'
import type { RouteConditions, RoutePlan } from '../../admission/route-plan.js'
import { NO_MATCH, Router } from '../../admission/router.js'
import { parseNetwork } from '../../base/cidr.js'
import type { Missing, TestClient } from './test-client.js'
import { TestedRoutes } from './tested-routes.js'

const RUNS = 200

const some = <T>(...values: readonly T[]) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 }), { nil: undefined })

const HOUR = 60
const windows = (...hours: readonly number[]) =>
  hours.map((hour) => ({ days: 127, fromMinute: hour * HOUR, toMinute: (hour + 12) * HOUR, zone: 'UTC' }))

/** Few values, so that clients match many routes. */
const conditions: fc.Arbitrary<RouteConditions> = fc
  .record({
    listeners: some(0, 1),
    ports: fc.option(fc.constant([{ from: 80, to: 90 }]), { nil: undefined }),
    sources: some('10.0.0.0/8', '192.0.2.0/24'),
    realms: some('inside', ''),
    serverNames: some('*', 'a.test'),
    tlsVersions: some('TLSv1.2', 'TLSv1.3'),
    times: fc.option(fc.constantFrom(windows(0), windows(12)), { nil: undefined }),
  })
  .map(({ sources, ...others }) => {
    const networks = sources
      ?.map((text) => parseNetwork(text))
      .filter((network) => typeof network === 'object')
    const compiled = networks && compileAccess([{ isPermit: true, isNegated: false, networks }])
    const all = Object.entries({ ...others, sources: compiled })
    return Object.fromEntries(all.filter(([, value]) => value !== undefined)) as RouteConditions
  })

const client = fc.record({
  listenerSlot: fc.nat(1),
  localPort: fc.constantFrom(80, 99),
  realm: fc.constantFrom('inside', 'outside'),
  client: fc.constantFrom('10.0.0.1', '192.0.2.1', '198.51.100.1'),
  serverName: fc.constantFrom('', 'a.test', 'b.test'),
  tlsVersion: fc.constantFrom('TLSv1.2', 'TLSv1.3'),
  hour: fc.nat(23),
})

const FACTS: readonly Missing[] = ['from', 'listener', 'port', 'realm', 'time', 'tls version']

/** As `testClient` fills in what a test does not say. */
function without(given: GivenFacts, atMs: number, missing: ReadonlySet<Missing>): TestClient {
  const facts = factsOf({
    ...given,
    ...(missing.has('from') && { client: undefined }),
    ...(missing.has('listener') && { listenerSlot: -1 }),
    ...(missing.has('port') && { localPort: 0 }),
    ...(missing.has('realm') && { realm: '' }),
    ...(missing.has('tls version') && { tlsVersion: '' }),
  })
  const { listenerSlot } = facts
  return { facts, listenerSlot, clientKey: '', atMs: missing.has('time') ? 0 : atMs, missing }
}

test('decides only what no missing fact can change, and names a fact that can', () => {
  fc.assert(
    fc.property(
      fc.array(conditions, { maxLength: 8 }),
      client,
      fc.subarray([...FACTS]),
      (all, { hour, ...given }, left) => {
        const missing = new Set(left)
        const atMs = hour * HOUR * 60_000
        const routes = all.map((one): RoutePlan => ({ conditions: one, target: { kind: 'pool', pool: 0 } }))
        const router = new Router(routes, 0)
        router.route(factsOf(given), atMs)
        const tested = new TestedRoutes(planOf({ routes, remotes: [remotePlan('one', [])] }))
        const decision = tested.decide(without(given, atMs, missing))
        tested.close()
        if ('dependsOn' in decision) {
          const { dependsOn, route = -1 } = decision
          assert.ok(missing.has(dependsOn))
          assert.ok(router.matched === NO_MATCH || router.matched >= route)
        } else assert.equal(decision.route?.index ?? NO_MATCH, router.matched)
      },
    ),
    { numRuns: RUNS },
  )
})
