import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, FakePoller } from '../../../test/support/fake-poller.js'
import { Loop } from '../../reactor/loop.js'
import { DynamicHosts } from '../dynamic-hosts.js'
import { type HostQuestion, LOOKUPS_OPEN_MAX } from '../host-answer.js'
import { HostLookups } from './host-lookups.js'

const PLAN = { names: ['*'], port: 443, timeoutMs: 5_000, networks: [] }

function world() {
  const clock = new FakeClock()
  const loop = new Loop(new FakePoller(), clock)
  const posted: (readonly HostQuestion[])[] = []
  const lookups = new HostLookups(loop, (asked) => posted.push(asked))
  const hosts = new DynamicHosts(PLAN, 3, 7)
  return { clock, hosts, lookups, loop, posted }
}

test('names of one turn are asked for in one message, each once', () => {
  const { hosts, lookups, loop, posted } = world()
  const first = lookups.lookUp(hosts, 'a.test')
  lookups.lookUp(hosts, 'b.test')
  assert.equal(lookups.lookUp(hosts, 'a.test'), first)
  assert.equal(posted.length, 0)
  loop.turn(0)
  loop.turn(0)
  assert.deepEqual(posted, [
    [
      { token: 1, childSlot: 7, pool: 3, name: 'a.test' },
      { token: 2, childSlot: 7, pool: 3, name: 'b.test' },
    ],
  ])
})

test('an answer closes its lookup once; then the name is asked for again', () => {
  const { hosts, lookups } = world()
  const first = lookups.lookUp(hosts, 'a.test')
  assert.equal(lookups.take(1), first)
  assert.equal(lookups.take(1), undefined)
  assert.equal(lookups.openCount, 0)
  assert.notEqual(lookups.lookUp(hosts, 'a.test'), first)
  assert.equal(lookups.take(99), undefined)
})

test('routes and generations ask for themselves', () => {
  const { hosts, lookups } = world()
  const other = new DynamicHosts(PLAN, 4, 7)
  const older = new DynamicHosts(PLAN, 3, 6)
  const all = [hosts, other, older].map((of) => lookups.lookUp(of, 'a.test'))
  assert.equal(new Set(all).size, 3)
})

test('open lookups are limited, and joining one is not', () => {
  const { hosts, lookups } = world()
  for (let i = 0; i < LOOKUPS_OPEN_MAX; i++) assert.ok(lookups.lookUp(hosts, `${i}.test`))
  assert.equal(lookups.lookUp(hosts, 'one-more.test'), undefined)
  assert.ok(lookups.lookUp(hosts, '0.test'))
  lookups.take(1)
  assert.ok(lookups.lookUp(hosts, 'one-more.test'))
})

test('no more than 500 names are asked for in a second', () => {
  const { clock, hosts, lookups, loop } = world()
  let asked = 0
  const ask = () => {
    for (let i = 0; i < 1_000; i++) {
      if (lookups.lookUp(hosts, 'a.test') === undefined) continue
      lookups.take(++asked)
    }
  }
  loop.turn(0)
  ask()
  assert.equal(asked, 500)
  clock.nowMs += 1_000
  loop.turn(0)
  ask()
  assert.equal(asked, 1_000)
})
