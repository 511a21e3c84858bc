import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeServices, type Named, queryOf, throughModule } from '../../test/support/mavis.js'
import { Cache } from './cache.js'
import { ACK, DOWN, ERR, FINAL, NAK, NFD } from './module.js'

class World {
  readonly services = new FakeServices()
  readonly cache: Cache

  constructor(expireMs: Readonly<Record<string, number>> = { TACPLUS: 60_000 }) {
    const kept = new Map(Object.entries(expireMs))
    this.cache = new Cache({ module: 'cache', expireMs: kept, purgePeriodMs: 300_000 }, this.services)
  }

  /** Undefined when the modules below were asked. */
  ask(query: Named, below: Named): Named | undefined {
    const { asked, values } = throughModule(this.cache, queryOf(query), below)
    assert.ok(asked === DOWN || asked === FINAL)
    return asked === FINAL ? values : undefined
  }
}

test('answers the same query from the cache, with comment and groups', () => {
  for (const RESULT of [ACK, NAK, NFD]) {
    const world = new World()
    const answer = { RESULT, COMMENT: 'because', TACMEMBER: 'staff', TACTYPE: undefined }
    assert.equal(world.ask({ CERTSUBJ: '/CN=joe' }, answer), undefined)
    const query = queryOf({ CERTSUBJ: '/CN=joe' })
    const { asked, values } = throughModule(world.cache, query, {})
    assert.equal(asked, FINAL)
    assert.deepEqual([values.RESULT, values.COMMENT, values.TACMEMBER, values.TACTYPE], Object.values(answer))
    assert.deepEqual(
      [values.SERIAL, values.TIMESTAMP, values.USER],
      [query.serial, query.serial, '192.0.2.1'],
    )
  }
})

test('caches an answer without RESULT as NFD', () => {
  const world = new World()
  world.ask({}, {})
  assert.equal(world.ask({}, { RESULT: ACK })?.RESULT, NFD)
})

test('does not use an answer for a query that differs in any attribute', () => {
  const world = new World()
  world.ask({}, { RESULT: ACK })
  for (const other of [
    { USER: '192.0.2.2' },
    { REALM: 'x' },
    { CERTDATA: 'y' },
    { TACTYPE: 'INFO' },
    { IPADDR: '::1' },
  ])
    assert.equal(world.ask(other, { RESULT: ERR }), undefined)
  assert.equal(world.ask({ SERIAL: 'other', TIMESTAMP: 'other' }, {})?.RESULT, ACK)
})

test('expires answers after the configured time', () => {
  const world = new World()
  world.ask({}, { RESULT: ACK })
  world.services.ms += 59_999
  assert.equal(world.ask({}, { RESULT: NAK })?.RESULT, ACK)
  world.services.ms += 1
  assert.equal(world.ask({}, { RESULT: NAK }), undefined)
  assert.equal(world.ask({}, {})?.RESULT, NAK)
})

test('does not cache errors, secrets, long answers and other types', () => {
  const world = new World({ TACPLUS: 60_000, other: 60_000 })
  const twice = (query: Named, below: Named) => {
    world.ask(query, below)
    return world.ask(query, below)
  }
  assert.equal(twice({ REALM: '1' }, { RESULT: ERR }), undefined)
  assert.equal(twice({ REALM: '2', PASSWORD: 'x' }, { RESULT: ACK }), undefined)
  assert.equal(twice({ REALM: '3' }, { RESULT: ACK, PASSWORD_ONESHOT: '1' }), undefined)
  assert.equal(twice({ REALM: '4' }, { RESULT: ACK, COMMENT: 'x'.repeat(5_000) }), undefined)
  assert.equal(twice({ REALM: '5', TYPE: 'other' }, { RESULT: ACK }), undefined)
  assert.equal(twice({ REALM: '6', CERTDATA: 'x'.repeat(5_000) }, { RESULT: ACK })?.RESULT, ACK)
  assert.equal(new World({}).ask({}, { RESULT: ACK }), undefined)
})

test('does not extend the time of a cached answer', () => {
  const world = new World()
  world.ask({}, { RESULT: ACK })
  world.services.ms += 40_000
  assert.equal(world.ask({}, {})?.RESULT, ACK)
  world.services.ms += 40_000
  assert.equal(world.ask({}, {}), undefined)
})

test('caches the profile for FTP, by user, host and certificate', () => {
  const world = new World({ FTP: 60_000 })
  const joe = { TYPE: 'FTP', USER: 'joe', PASSWORD: 'x' }
  world.ask(joe, { RESULT: ACK, HOME: '/home/joe', COMMENT: 'new', TACMEMBER: 'staff' })
  const known = world.ask({ ...joe, PASSWORD: 'y', IPADDR: '::1' }, {})
  assert.deepEqual(
    [known?.HOME, known?.RESULT, known?.COMMENT, known?.TACMEMBER, known?.PASSWORD],
    ['/home/joe', undefined, 'cached', undefined, 'y'],
  )
  assert.equal(world.ask({ ...joe, VHOST: 'other' }, { RESULT: NAK }), undefined)
  assert.equal(
    world.ask({ ...joe, VHOST: 'other' }, { DBPASSWORD: 'z' }),
    undefined,
    'a refusal has no profile',
  )
  assert.equal(world.ask({ ...joe, VHOST: 'other' }, {})?.DBPASSWORD, 'z')
})
