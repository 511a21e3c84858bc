import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deserialize, serialize } from 'node:v8'
import { fakeWorld } from '../../../test/config/fake-world.js'
import { factsOf, type GivenFacts } from '../../../test/support/route-facts.js'
import type { RoutePlan } from '../../admission/route-plan.js'
import { NO_ROUTE, REJECT_CLOSE, REJECT_RESET, Router } from '../../admission/router.js'
import { loadChosenConfiguration } from '../../config/load.js'
import { routePlans } from './route-plans.js'

/** Slots 0 to 3. */
const LISTENERS = 'listen { port = 1 name = front } listen { port = 2-3 name = both } listen { port = 4 }'
/** 0 to 2. */
const POOLS =
  'pool = a { remote { 10.0.0.1:1 } } pool = b { remote { 10.0.0.1:2 } } pool = c { remote { 10.0.0.1:3 } }'
/** A Monday. */
const NOW = Date.parse('2026-11-30T12:00:00Z')

/** As it arrives in another thread. */
function plansOf(routes: string): readonly RoutePlan[] {
  const text = `id = spawnd { ${LISTENERS} }\nid = tcprelay { ${POOLS}\n${routes} }`
  const { names, sources } = fakeWorld({ case: text })
  const request = { file: 'case', names, sources, environment: new Map(), isInetd: false }
  const choice = { program: 'tcprelay', programPath: 'tcprelay' } as const
  const { problems, spawnd, tcprelay } = loadChosenConfiguration(request, choice)
  assert.deepEqual(problems, [])
  return deserialize(serialize(routePlans(tcprelay, spawnd.listeners)))
}

function decide(routes: string, ...clients: readonly GivenFacts[]): readonly number[] {
  const router = new Router(plansOf(routes), undefined)
  return clients.map((client) => router.route(factsOf(client), NOW))
}

test('compiles conditions that are given, and the place of the route', () => {
  assert.deepEqual(plansOf('route { server name = WWW.a.example, *.b.example port = 80, 90-99 pool = b }'), [
    {
      position: { file: 'case', line: 3 },
      conditions: {
        serverNames: ['www.a.example', '*.b.example'],
        ports: [
          { from: 80, to: 80 },
          { from: 90, to: 99 },
        ],
      },
      target: { kind: 'pool', pool: 1 },
    },
  ])
})

test('a listener of a route is all of its ports', () => {
  const clients = [-1, 0, 1, 2, 3].map((listenerSlot) => ({ listenerSlot }))
  assert.deepEqual(decide('route { listener = both pool = c }', ...clients), [
    NO_ROUTE,
    NO_ROUTE,
    2,
    2,
    NO_ROUTE,
  ])
  assert.deepEqual(decide('route { listener = both, front pool = c }', ...clients), [
    NO_ROUTE,
    2,
    2,
    2,
    NO_ROUTE,
  ])
})

test('a directive that is repeated adds values', () => {
  const clients = ['a.example', 'b.example', 'c.example'].map((serverName) => ({ serverName }))
  const routes = 'route { server name = a.example server name = b.example pool = a }'
  assert.deepEqual(decide(routes, ...clients), [0, 0, NO_ROUTE])
})

test('every condition decides', () => {
  const rows: Readonly<Record<string, readonly [yes: GivenFacts, no: GivenFacts]>> = {
    'port = 25': [{ localPort: 25 }, { localPort: 26 }],
    'source = 10.0.0.0/8, 2001:db8::/32': [{ client: '2001:db8::1' }, { client: '11.0.0.1' }],
    'realm = inside': [{ realm: 'inside' }, { realm: 'outside' }],
    'server name = b\u00fccher.example': [
      { serverName: 'xn--bcher-kva.example' },
      { serverName: 'b.example' },
    ],
    'alpn = h2': [{ alpn: ['h2'] }, { alpn: ['h3'] }],
    'protocol = ssh': [{ protocol: 'ssh' }, { protocol: 'tls' }],
    'tls version = TLSv1.3': [{ tlsVersion: 'TLSv1.3' }, { tlsVersion: 'TLSv1.2' }],
    'user = joe': [{ user: 'joe' }, { user: 'ann' }],
    'client certificate subject = "CN=joe,*"': [
      { certificate: { subject: 'CN=joe,O=Example' } },
      { certificate: { subject: 'CN=ann,O=Example' } },
    ],
    'client certificate issuer = "CN=CA"': [{ certificate: { issuer: 'CN=CA' } }, { certificate: {} }],
    'client certificate san = DNS:*.example': [
      { certificate: { alternativeNames: ['DNS:a.example'] } },
      { certificate: { alternativeNames: ['email:a.example'] } },
    ],
    [`client certificate fingerprint = ${'AB:'.repeat(31)}AB`]: [
      { certificate: { fingerprint: 'ab'.repeat(32) } },
      { certificate: { fingerprint: 'cd'.repeat(32) } },
    ],
  }
  for (const [condition, clients] of Object.entries(rows))
    assert.deepEqual(decide(`route { ${condition} pool = b }`, ...clients), [1, NO_ROUTE], condition)
  assert.deepEqual(decide('route { time = Mon 12:00-12:01 UTC pool = b }', {}), [1])
  assert.deepEqual(decide('route { time = Mon 12:00-12:01 Asia/Tokyo pool = b }', {}), [NO_ROUTE])
})

test('compiles every kind of target', () => {
  const routes = `
    route { realm = close reject = close }
    route { realm = reset reject = reset }
    route { split = { c = 1 b = 0 } }`
  assert.deepEqual(decide(routes, { realm: 'close' }, { realm: 'reset' }, {}), [
    REJECT_CLOSE,
    REJECT_RESET,
    2,
  ])
})
