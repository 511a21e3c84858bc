/** What is read of the clients of a listener before their pool is chosen. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeWorld } from '../../../test/config/fake-world.js'
import { loadChosenConfiguration } from '../../config/load.js'
import type { ListenerPlan } from '../../engine/plan.js'
import { PROTOCOL, type ProtocolName } from '../../wire/sniff/protocol-names.js'
import { NO_GEO } from '../load/geo-loading.js'
import { NO_TLS_SETTINGS } from '../load/tls-loading.js'
import { compilePlan } from './compile-plan.js'

const POOLS = `
  pool = mail { remote { 10.0.0.1:25 } }
  pool = desk { remote { 10.0.0.1:3389 } balance = source key = rdp cookie }
  pool = meters { remote { 10.0.0.1:1883 } balance = source key = mqtt client }
  pool = names { remote { 10.0.0.1:443 } balance = source key = server name }
`

function listenersOf(listeners: string, routes: string): readonly ListenerPlan[] {
  const { names, sources } = fakeWorld({
    case: `id = spawnd { ${listeners} }\nid = tcprelay { ${POOLS}\n${routes} }`,
  })
  const request = { file: 'case', names, sources, environment: new Map(), isInetd: false }
  const configuration = loadChosenConfiguration(request, { program: 'tcprelay', programPath: 'tcprelay' })
  assert.deepEqual(configuration.problems, [])
  const tls = { settings: NO_TLS_SETTINGS, probes: [], stamps: new Map(), ocsp: [] }
  const count = configuration.spawnd.listeners.length
  const places = Array.from({ length: count }, (_, slot) => slot)
  return compilePlan(
    { ...configuration, sources, mechanism: 'epoll', stamps: new Map(), geo: NO_GEO, tls },
    {
      listenerNames: places.map(String),
      listenerKinds: places.map(() => 'tcp' as const),
      listenerSlots: places,
      remoteSlots: configuration.tcprelay.remotes.map((_, slot) => slot),
      poolSlots: configuration.tcprelay.pools.map((_, slot) => slot),
      mechanism: 'epoll',
    },
  ).listeners
}

const needsOf = ({ detection, tls }: ListenerPlan) => [
  tls.mode,
  detection && [detection.protocols, ...detection.keys],
]

const maskOf = (...names: readonly ProtocolName[]) =>
  names.reduce((mask, name) => mask | (1 << PROTOCOL[name]), 0)

test('nothing is read for pools that no route of the listener chooses', () => {
  const plans = listenersOf(
    'listen { port = 1 name = smtp } listen { port = 2 name = rdp } listen { port = 3 name = sni }',
    `route { listener = smtp pool = mail }
     route { listener = rdp source = 10.0.0.0/8 split = { mail = 1 desk = 1 } }
     route { listener = rdp reject = close }
     route { listener = sni pool = names }`,
  )
  assert.deepEqual(plans.map(needsOf), [
    ['off', undefined],
    ['off', [maskOf('rdp'), 'rdp-user']],
    ['pass', undefined],
  ])
})

test('clients that no route matches may need the key of the default pool', () => {
  const routes = (
    first: string,
  ) => `pool = default { remote { 10.0.0.1:9 } balance = source key = rdp cookie }
     route { ${first} pool = mail }`
  const [some] = listenersOf('listen { port = 1 }', routes('port = 2'))
  assert.deepEqual(some && needsOf(some), ['off', [maskOf('rdp'), 'rdp-user']])
  const [every] = listenersOf('listen { port = 1 }', routes(''))
  assert.deepEqual(every && needsOf(every), ['off', undefined])
})

test('pools of one listener may have different keys', () => {
  const [plan] = listenersOf(
    'listen { port = 1 }',
    'route { source = 10.0.0.0/8 pool = desk } route { protocol = http pool = mail } route { pool = meters }',
  )
  assert.deepEqual(plan && needsOf(plan), [
    'off',
    [maskOf('http', 'rdp', 'mqtt'), 'rdp-user', 'mqtt-client-id'],
  ])
})

test('the pool that a listener names is the only one that counts', () => {
  const plans = listenersOf('listen { port = 1 pool = desk } listen { port = 2 pool = mail }', '')
  assert.deepEqual(plans.map(needsOf), [
    ['off', [maskOf('rdp'), 'rdp-user']],
    ['off', undefined],
  ])
})

test('what a sticky pool recognises its clients by is read too', () => {
  const plans = listenersOf(
    'listen { port = 1 pool = one } listen { port = 2 pool = two } listen { port = 3 pool = three }',
    `pool = one { remote { 10.0.0.1:1 } sticky = { by = rdp cookie } }
     pool = two { remote { 10.0.0.1:2 } balance = source key = rdp cookie sticky = { by = mqtt client } }
     pool = three { remote { 10.0.0.1:3 } sticky = { by = server name } }`,
  )
  assert.deepEqual(plans.map(needsOf), [
    ['off', [maskOf('rdp'), 'rdp-user']],
    ['off', [maskOf('rdp', 'mqtt'), 'rdp-user', 'mqtt-client-id']],
    ['pass', undefined],
  ])
})
