import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deserialize, serialize } from 'node:v8'
import { fakeWorld } from '../../../test/config/fake-world.js'
import { loadChosenConfiguration } from '../../config/load.js'
import { UNLIMITED } from '../../relay/session-limits.js'
import { SPLICE_POLICIES } from '../../relay/transfer/splice-policies.js'
import { listenerPlans } from './listener-plans.js'
import { poolPlans } from './pool-plans.js'
import { sessionOverrides } from './session-plans.js'
import { needsNetAdmin } from './socket-settings.js'

function load(listeners: string) {
  const text = `id = spawnd { ${listeners} }\nid = tcprelay { remote { 10.0.0.1:1 } idle timeout = 9 }`
  const { names, sources } = fakeWorld({ case: text })
  const request = { file: 'case', names, sources, environment: new Map(), isInetd: false }
  const loaded = loadChosenConfiguration(request, { program: 'tcprelay', programPath: 'tcprelay' } as const)
  assert.deepEqual(loaded.problems, [])
  return loaded
}

const overridesIn = (directives: string) =>
  load(`listen { port = 1 ${directives} }`).spawnd.listeners.map(sessionOverrides)[0]

test('only given directives override', () => {
  assert.equal(overridesIn('tcp keepalive = no backlog = 5'), undefined)
  assert.deepEqual(overridesIn('idle timeout = 1h'), { idleTimeoutMs: 3_600_000 })
  const all =
    'connect timeout = 1 dial timeout = 2 dial retries = 0 attempts max = 7 half-close timeout = 4 splice = no ' +
    'local address = 10.0.0.9 local port range = 40000-50000'
  assert.deepEqual(overridesIn(all), {
    connectTimeoutMs: 1_000,
    dialTimeoutMs: 2_000,
    dialRetries: 0,
    attemptsMax: 7,
    halfCloseTimeoutMs: 4_000,
    splice: SPLICE_POLICIES.no,
    localAddress: { family: 'ipv4', host: '10.0.0.9', port: 0 },
    localPorts: 50_000 * 0x1_0000 + 40_000,
  })
})

test('zero overrides a time by no limit', () => {
  const none = Number.POSITIVE_INFINITY
  assert.deepEqual(overridesIn('idle timeout = 0 half-close timeout = 0 attempts max = 0'), {
    attemptsMax: none,
    idleTimeoutMs: none,
    halfCloseTimeoutMs: none,
  })
})

test('the ports of a block share one value, which stays one in another process', () => {
  const { spawnd, tcprelay } = load('listen { port = 1-3 splice = no } listen { port = 4 }')
  const bound = { listenerNames: [], listenerKinds: [], listenerSlots: [0, 1, 2, 3] }
  const plans = listenerPlans(spawnd.listeners, bound, [], tcprelay)
  const [one, two, , four] = deserialize(serialize(plans)) as typeof plans
  assert.deepEqual(one?.overrides, { splice: SPLICE_POLICIES.no })
  assert.equal(one?.overrides, two?.overrides)
  assert.equal(four?.overrides, undefined)
})

test("clients' addresses of one listener require the capability for all children", () => {
  assert.equal(needsNetAdmin(load('listen { port = 1 }')), false)
  assert.equal(needsNetAdmin(load('listen { port = 1 local address = client }')), true)
})

test('limits of the section hold in each pool, those of a listener are its overrides', () => {
  const text = `id = spawnd {
    listen { port = 1 limit { per = session bytes in = 5k/s } limit { per = all bytes in = 1k/s } }
  }
  id = tcprelay {
    limit { per = session bytes out = 9k/s max lifetime = 1h jitter = 10% }
    limit { per = source connections = 5 first byte timeout = 7 }
    pool = web { limit { per = session bytes out = 3k/s min rate = 2k/s } remote { 10.0.0.1:1 } }
    remote { 10.0.0.1:2 }
  }`
  const { names, sources } = fakeWorld({ case: text })
  const request = { file: 'case', names, sources, environment: new Map(), isInetd: false }
  const { problems, spawnd, tcprelay } = loadChosenConfiguration(request, {
    program: 'tcprelay',
    programPath: 'tcprelay',
  } as const)
  assert.deepEqual(problems, [])
  const section = {
    ...UNLIMITED,
    bytesOutPerS: 9 * 1024,
    firstByteTimeoutMs: 7_000,
    maxLifetimeMs: 3_600_000,
    lifetimeJitter: 0.1,
  }
  const pool = { ...section, bytesOutPerS: 3 * 1024, minBytesPerS: 2048, minRateWindowMs: 30_000 }
  const limits = poolPlans(tcprelay, [0, 1], [0, 1]).map(({ options }) => options.limits)
  assert.deepEqual(limits, [section, pool])
  const [listener] = spawnd.listeners
  assert.ok(listener)
  assert.deepEqual(sessionOverrides(listener), { limits: { ...UNLIMITED, bytesInPerS: 5 * 1024 } })
})
