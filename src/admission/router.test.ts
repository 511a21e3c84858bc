import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deserialize, serialize } from 'node:v8'
import { countedFacts, factsOf, type GivenFacts } from '../../test/support/route-facts.js'
import { parseNetwork } from '../base/cidr.js'
import type { AccessTable } from './access-table.js'
import { compileAccess } from './compile-access.js'
import {
  NEEDS_CERTIFICATE,
  NEEDS_FIRST_BYTES,
  NEEDS_HELLO,
  NEEDS_NOTHING,
  NEEDS_USER,
} from './route-needs.js'
import type { RouteConditions, RoutePlan } from './route-plan.js'
import { NO_MATCH, NO_ROUTE, REJECT_CLOSE, REJECT_RESET, Router } from './router.js'

const DEFAULT_POOL = 1_000_000
/** A Monday. */
const NOW = Date.parse('2026-11-30T12:00:00Z')
const ROUTES = 3_000

function sources(...texts: readonly string[]): AccessTable {
  const networks = texts.map((text) => {
    const network = parseNetwork(text)
    assert.ok(network, text)
    return network
  })
  return compileAccess([{ isPermit: true, isNegated: false, networks }])
}

/** Routes to the pools 0, 1, … */
function routesOf(...conditions: readonly RouteConditions[]): readonly RoutePlan[] {
  return conditions.map((one, pool) => ({ conditions: one, target: { kind: 'pool', pool } }))
}

function routerOf(...conditions: readonly RouteConditions[]): Router {
  return new Router(routesOf(...conditions), DEFAULT_POOL)
}

/** Whether a route with these conditions matches each of the clients. */
function matches(conditions: RouteConditions, ...clients: readonly GivenFacts[]): readonly boolean[] {
  const router = routerOf(conditions)
  return clients.map((client) => {
    const pool = router.route(factsOf(client), NOW)
    assert.equal(pool === 0 ? 0 : NO_MATCH, router.matched)
    return pool === 0
  })
}

test('each condition matches by one of its values', () => {
  const rows: readonly (readonly [RouteConditions, yes: readonly GivenFacts[], no: readonly GivenFacts[]])[] =
    [
      [{}, [{}, { serverName: 'a' }], []],
      [{ listeners: [0, 2] }, [{ listenerSlot: 0 }, { listenerSlot: 2 }], [{ listenerSlot: 1 }, {}]],
      [{ ports: [{ from: 80, to: 82 }] }, [{ localPort: 80 }, { localPort: 82 }], [{ localPort: 83 }, {}]],
      [{ ports: [{ from: 1, to: 65535 }] }, [{ localPort: 1 }, { localPort: 65535 }], [{}]],
      [
        { sources: sources('10.0.0.0/8') },
        [{ client: '10.1.2.3' }],
        [{ client: '11.0.0.0' }, { client: '::1' }, {}],
      ],
      [{ sources: sources('::/0') }, [{ client: '::1' }, { client: '10.1.2.3' }], [{}]],
      [{ sources: sources('ffff::/16') }, [{ client: 'ffff::1' }], [{ client: 'fffe::1' }]],
      [{ realms: ['a'] }, [{ realm: 'a' }], [{ realm: 'A' }, {}]],
      [{ serverNames: ['*.b'] }, [{ serverName: 'a.b' }, { serverName: 'c.a.b' }], [{ serverName: 'b' }, {}]],
      [{ serverNames: ['*'] }, [{ serverName: 'b' }], [{}]],
      [{ alpn: ['h2', 'h3'] }, [{ alpn: ['x', 'h2'] }], [{ alpn: ['http/1.1'] }, {}]],
      [{ protocols: ['ssh'] }, [{ protocol: 'ssh' }], [{ protocol: 'tls' }, { protocol: 'any' }, {}]],
      [{ protocols: ['any'] }, [{ protocol: 'ssh' }, { protocol: 'any' }], [{}]],
      [{ tlsVersions: ['TLSv1.3'] }, [{ tlsVersion: 'TLSv1.3' }], [{ tlsVersion: 'TLSv1.2' }, {}]],
      [{ users: ['joe', 'ann'] }, [{ user: 'ann' }], [{ user: 'Ann' }, {}]],
      [{ times: [{ days: 2, fromMinute: 720, toMinute: 721, zone: 'UTC' }] }, [{}], []],
      [{ times: [{ days: 4, fromMinute: 720, toMinute: 721, zone: 'UTC' }] }, [], [{}]],
      [{ times: [{ days: 2, fromMinute: 720, toMinute: 721, zone: 'Asia/Tokyo' }] }, [], [{}]],
    ]
  for (const [conditions, yes, no] of rows) {
    const name = Object.keys(conditions).join()
    assert.deepEqual(
      matches(conditions, ...yes, ...no),
      [...yes.map(() => true), ...no.map(() => false)],
      name,
    )
  }
})

test('matches client certificates by subject, issuer, alternative name and fingerprint', () => {
  const joe = {
    subject: 'CN=joe,O=Example',
    issuer: 'CN=CA',
    alternativeNames: ['DNS:joe.example.com'],
    fingerprint: 'ab'.repeat(32),
  }
  const rows: readonly (readonly [NonNullable<RouteConditions['certificate']>, isMatch: boolean])[] = [
    [{}, true],
    [{ subjects: ['CN=ann*', 'CN=joe,*'] }, true],
    [{ subjects: ['CN=joe'] }, false],
    [{ issuers: ['CN=CA'], subjects: ['*,O=Example'] }, true],
    [{ issuers: ['CN=Other'], subjects: ['*,O=Example'] }, false],
    [{ alternativeNames: ['*.example.com'] }, true],
    [{ alternativeNames: ['IP:*'] }, false],
    [{ fingerprints: ['cd'.repeat(32), joe.fingerprint] }, true],
    [{ fingerprints: [joe.fingerprint], alternativeNames: ['x'] }, false],
  ]
  for (const [certificate, isMatch] of rows) {
    assert.deepEqual(
      matches({ certificate }, { certificate: joe }, {}),
      [isMatch, false],
      JSON.stringify(certificate),
    )
  }
})

test('all conditions must match, and an empty one never does', () => {
  const conditions = { serverNames: ['a.b'], ports: [{ from: 443, to: 443 }], alpn: ['h2'] }
  const client = { serverName: 'a.b', localPort: 443, alpn: ['h2'] }
  const others = [
    { ...client, serverName: 'b' },
    { ...client, localPort: 80 },
    { ...client, alpn: [] },
  ]
  assert.deepEqual(matches(conditions, client, ...others), [true, false, false, false])
  for (const empty of [{ serverNames: [] }, { listeners: [] }, { ports: [] }, { times: [] }, { users: [] }])
    assert.deepEqual(matches(empty, { ...client, listenerSlot: 0 }), [false], JSON.stringify(empty))
})

test('the first route that matches decides, whatever it is indexed by', () => {
  const pool = (router: Router, client: GivenFacts) => router.route(factsOf(client), NOW)
  const client = { serverName: 'www.a.b', listenerSlot: 3, client: '10.0.0.1' }
  const all: readonly RouteConditions[] = [
    { serverNames: ['*.b'] },
    { serverNames: ['www.a.b'] },
    { listeners: [3] },
    { sources: sources('10.0.0.0/24') },
    {},
  ]
  for (let first = 0; first < all.length; first++) {
    const rotated = [...all.slice(first), ...all.slice(0, first)]
    assert.equal(pool(routerOf({ realms: ['x'] }, ...rotated), client), 1)
    assert.equal(pool(routerOf(...rotated, { realms: ['x'] }), client), 0)
  }
})

test('without a match clients get the default pool, or no route', () => {
  const routes = routesOf({ serverNames: ['a'] })
  const withDefault = new Router(routes, 7)
  assert.equal(withDefault.route(factsOf({}), NOW), 7)
  assert.equal(withDefault.matched, NO_MATCH)
  assert.equal(new Router(routes, undefined).route(factsOf({}), NOW), NO_ROUTE)
  assert.equal(new Router([], 0).route(factsOf({}), NOW), 0)
})

test('rejects, and divides by the hash of the address', () => {
  const plans: readonly RoutePlan[] = [
    { conditions: { realms: ['close'] }, target: { kind: 'reject', how: 'close' } },
    { conditions: { realms: ['reset'] }, target: { kind: 'reject', how: 'reset' } },
    {
      conditions: {},
      target: {
        kind: 'split',
        shares: [
          { pool: 4, share: 1 },
          { pool: 5, share: 1 },
        ],
      },
    },
  ]
  const router = new Router(deserialize(serialize(plans)), undefined)
  assert.equal(router.route(factsOf({ realm: 'close' }), NOW), REJECT_CLOSE)
  assert.equal(router.route(factsOf({ realm: 'reset' }), NOW), REJECT_RESET)
  assert.equal(router.matched, 1)
  const pools = Array.from({ length: 50 }, (_, addressHash) => router.route(factsOf({ addressHash }), NOW))
  assert.deepEqual([...new Set(pools)].sort(), [4, 5])
  assert.equal(router.route(factsOf({ addressHash: 49 }), NOW), pools[49])
  assert.equal(router.matched, 2)
})

test('considers a limited number of ALPN names', () => {
  const many = Array.from({ length: 40_000 }, () => 'x')
  const counted = countedFacts({ alpn: [...many, 'h2'] })
  assert.equal(routerOf({ alpn: ['h2'] }, { alpn: ['x'] }).route(counted.facts, NOW), 1)
  assert.ok(counted.reads < 100, `${counted.reads}`)
})

test('a listener needs the facts of the routes that its clients can reach', () => {
  const router = routerOf(
    { listeners: [1], serverNames: ['a'] },
    { listeners: [2], protocols: ['ssh'], users: ['joe'] },
    { listeners: [2, 3], certificate: {} },
    { listeners: [3] },
    { listeners: [4, 5], ports: [{ from: 1, to: 2 }] },
    { listeners: [4], tlsVersions: ['TLSv1.3'] },
    { listeners: [1, 4, 5] },
    { alpn: ['h2'] },
  )
  const needs = [0, 1, 2, 3, 4, 5].map((slot) => router.needsOf(slot))
  assert.deepEqual(needs, [
    NEEDS_HELLO,
    NEEDS_HELLO,
    NEEDS_FIRST_BYTES | NEEDS_USER | NEEDS_CERTIFICATE | NEEDS_HELLO,
    NEEDS_CERTIFICATE,
    NEEDS_HELLO,
    NEEDS_NOTHING,
  ])
  assert.equal(routerOf().needsOf(0), NEEDS_NOTHING)
})

test('lists the protocols that the routes of a listener ask for', () => {
  const router = routerOf(
    { protocols: ['ssh', 'tls'] },
    { listeners: [1], protocols: ['tls', 'any'] },
    { listeners: [1, 2] },
    { protocols: ['dns'] },
  )
  const protocols = [0, 1, 2].map((slot) => [...router.protocolsOf(slot)])
  assert.deepEqual(protocols, [
    ['ssh', 'tls', 'dns'],
    ['ssh', 'tls', 'any'],
    ['ssh', 'tls'],
  ])
})

const subnet = (i: number) => `10.${i >> 8}.${i & 255}`

/** By name, conditions of route `i` and a client that only the last route matches. */
const LARGE: Readonly<Record<string, readonly [conditionsOf: (i: number) => RouteConditions, GivenFacts]>> = {
  'server names': [(i) => ({ serverNames: [`n${i}.example`] }), { serverName: `n${ROUTES - 1}.example` }],
  wildcards: [(i) => ({ serverNames: [`*.n${i}.example`] }), { serverName: `a.n${ROUTES - 1}.example` }],
  listeners: [(i) => ({ listeners: [i] }), { listenerSlot: ROUTES - 1 }],
  'listeners with one name': [
    (i) => ({ listeners: [i], serverNames: ['a'] }),
    { listenerSlot: ROUTES - 1, serverName: 'a' },
  ],
  ports: [(i) => ({ ports: [{ from: i, to: i }] }), { localPort: ROUTES - 1 }],
  sources: [(i) => ({ sources: sources(`${subnet(i)}.0/24`) }), { client: `${subnet(ROUTES - 1)}.1` }],
  'one name with sources': [
    (i) => ({ serverNames: ['a'], sources: sources(`${subnet(i)}.0/24`) }),
    { client: `${subnet(ROUTES - 1)}.1`, serverName: 'a' },
  ],
  realms: [(i) => ({ realms: [`r${i}`] }), { realm: `r${ROUTES - 1}` }],
  users: [(i) => ({ users: [`u${i}`] }), { user: `u${ROUTES - 1}` }],
  fingerprints: [
    (i) => ({ certificate: { fingerprints: [`f${i}`] } }),
    { certificate: { fingerprint: `f${ROUTES - 1}` } },
  ],
}

for (const [name, [conditionsOf, client]] of Object.entries(LARGE)) {
  test(`reads few facts to choose among ${ROUTES} routes by ${name}`, () => {
    const router = routerOf(...Array.from({ length: ROUTES }, (_, i) => conditionsOf(i)))
    const counted = countedFacts(client)
    assert.equal(router.route(counted.facts, NOW), ROUTES - 1)
    assert.ok(counted.reads <= 12, `${counted.reads} reads`)
  })
}
