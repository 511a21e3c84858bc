import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { firstMatch, type PlainConditions } from '../../test/support/linear-router.js'
import { factsOf, type GivenFacts } from '../../test/support/route-facts.js'
import { parseNetwork } from '../base/cidr.js'
import { PROTOCOL_NAMES } from '../wire/sniff/protocol-names.js'
import { compileAccess } from './compile-access.js'
import type { RouteConditions } from './route-plan.js'
import { NO_MATCH, Router } from './router.js'

const RUNS = process.env.TCPRELAY_TESTS === 'full' ? 20_000 : 1_000
const DEFAULT_POOL = 1_000

/** Few values, so that routes overlap and clients match some of them. */
const NAMES = ['a.example', 'b.a.example', 'c.b.a.example', 'example', 'd.test', 'a.d.test']
const PATTERNS = [...NAMES, '*.a.example', '*.example', '*.test', '*.b.a.example', '*']
const CLIENTS = [
  '10.0.0.1',
  '10.0.0.200',
  '10.0.1.1',
  '10.128.0.1',
  '11.0.0.1',
  '192.0.2.1',
  '255.255.255.255',
  '2001:db8::1',
]
const NETWORKS = [
  '10.0.0.0/24',
  '10.0.0.1',
  '10.0.0.0/25',
  '10.0.0.0/8',
  '10.128.0.0/9',
  '0.0.0.0/0',
  '255.0.0.0/8',
]
const SUBJECTS = ['CN=joe,O=Example', 'CN=ann,O=Example', 'CN=joe,O=Other']
const ALTERNATIVE_NAMES = ['DNS:joe.example', 'DNS:ann.example', 'IP:10.0.0.1']
const ZONES = ['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/New_York']
const START = Date.parse('2026-01-01T00:00:00Z')
const YEAR_MS = 366 * 86_400_000

const some = <T>(...values: readonly T[]) =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 })
/** Mostly present; how many of them a route has is decided below. */
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined })

const slots = fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 3 })
/** More than a router indexes by listener. */
const manySlots = fc.constant(Array.from({ length: 20 }, (_, i) => 2 * i))

const conditions: fc.Arbitrary<PlainConditions> = fc
  .record({
    listeners: maybe(fc.oneof({ weight: 5, arbitrary: slots }, manySlots)),
    ports: maybe(
      fc.array(
        fc.tuple(fc.nat(9), fc.nat(3)).map(([from, more]) => ({ from, to: from + more })),
        { maxLength: 2 },
      ),
    ),
    sources: maybe(some(...NETWORKS)),
    realms: maybe(some('', 'inside', 'outside')),
    serverNames: maybe(some(...PATTERNS)),
    alpn: maybe(some('h2', 'http/1.1', 'x')),
    protocols: maybe(some(...PROTOCOL_NAMES)),
    tlsVersions: maybe(some('TLSv1.2', 'TLSv1.3')),
    users: maybe(some('joe', 'ann')),
    times: maybe(
      fc.array(
        fc
          .record({
            days: fc.integer({ min: 1, max: 127 }),
            fromMinute: fc.nat(1_439),
            toMinute: fc.nat(1_440),
            zone: fc.constantFrom(...ZONES),
          })
          .filter(({ fromMinute, toMinute }) => fromMinute !== toMinute),
        { minLength: 1, maxLength: 2 },
      ),
    ),
    certificate: maybe(
      fc.record(
        {
          subjects: some(...SUBJECTS, 'CN=joe,*', '*,O=Example'),
          issuers: some('CN=CA', 'CN=*'),
          alternativeNames: some(...ALTERNATIVE_NAMES, 'DNS:*.example'),
          fingerprints: some('aa', 'bb', 'cc'),
        },
        { requiredKeys: [] },
      ),
    ),
  })
  .chain((all) => {
    // With all conditions at once hardly any route would match.
    const keys = Object.keys(all) as (keyof typeof all)[]
    return fc.subarray(keys, { maxLength: 3 }).map((kept) => onlyKeys(all, kept))
  })

const facts: fc.Arbitrary<GivenFacts> = fc.record({
  listenerSlot: fc.integer({ min: -1, max: 5 }),
  localPort: fc.nat(12),
  realm: fc.constantFrom('', 'inside', 'outside', 'other'),
  client: fc.option(fc.constantFrom(...CLIENTS), { nil: undefined }),
  serverName: fc.constantFrom('', ...NAMES, 'x.y.example', 'other'),
  alpn: fc.array(fc.constantFrom('h2', 'http/1.1', 'x', 'y'), { maxLength: 4 }),
  protocol: fc.constantFrom('', ...PROTOCOL_NAMES),
  tlsVersion: fc.constantFrom('', 'TLSv1.2', 'TLSv1.3'),
  certificate: fc.option(
    fc.record({
      subject: fc.constantFrom(...SUBJECTS),
      issuer: fc.constantFrom('CN=CA', 'CN=Other'),
      alternativeNames: fc.subarray(ALTERNATIVE_NAMES),
      fingerprint: fc.constantFrom('aa', 'bb', 'dd'),
    }),
    { nil: undefined },
  ),
  user: fc.constantFrom('', 'joe', 'ann', 'tom'),
})

/** Conditions that are undefined are left out. */
function onlyKeys(all: Readonly<Record<string, unknown>>, keys: readonly string[]): PlainConditions {
  return Object.fromEntries(keys.flatMap((key) => (all[key] === undefined ? [] : [[key, all[key]]])))
}

function compile({ sources, ...others }: PlainConditions): RouteConditions {
  if (sources === undefined) return others
  const networks = sources.flatMap((text) => parseNetwork(text) ?? [])
  assert.equal(networks.length, sources.length)
  return { ...others, sources: compileAccess([{ isPermit: true, isNegated: false, networks }]) }
}

test('chooses the same route as a linear search', (t) => {
  const seed = Date.now() % 2 ** 31
  t.diagnostic(`seed ${seed}`)
  const time = fc.nat(YEAR_MS).map((ms) => START + ms)
  const clients = fc.array(fc.tuple(facts, time), { minLength: 1, maxLength: 20 })
  const matchedAt = new Set<number>()
  fc.assert(
    fc.property(fc.array(conditions, { maxLength: 30, size: 'max' }), clients, (routes, all) => {
      const router = new Router(
        routes.map((one, pool) => ({ conditions: compile(one), target: { kind: 'pool', pool } })),
        DEFAULT_POOL,
      )
      for (const [client, nowEpochMs] of all) {
        const wanted = firstMatch(routes, client, nowEpochMs)
        assert.equal(router.route(factsOf(client), nowEpochMs), wanted < 0 ? DEFAULT_POOL : wanted)
        assert.equal(router.matched, wanted)
        matchedAt.add(wanted)
      }
    }),
    { numRuns: RUNS, seed },
  )
  assert.ok(matchedAt.has(NO_MATCH) && matchedAt.size > 10, `routes ${[...matchedAt]}`)
})
