import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeadWorld, WATCHDOG_MS } from '../../test/support/head-world.js'
import { EXIT_OK, EXIT_SOFTWARE } from '../base/exit-codes.js'
import { CounterKeeper } from '../services/counter-keeper.js'

const GRACE_PERIOD_MS = 60_000

test('hands its listeners on and is ready when its workers serve, once', async (t) => {
  const world = await HeadWorld.start(t)
  assert.deepEqual(world.since(), ['listen 0'])
  world.serving()
  assert.deepEqual(world.since(), ['manager ready'])
  assert.equal(world.logged(/serving .*: 1 listener/), 1)
  world.workers.head.onServing()
  assert.deepEqual(world.since(), [], 'children that are replaced later are not reported')
})

test('pings its workers twice per watchdog interval and reports their answers', async (t) => {
  const world = await HeadWorld.start(t)
  world.pass(WATCHDOG_MS)
  assert.deepEqual(world.since(), ['listen 0'], 'no ping before they obey commands')
  world.serving()
  world.since()
  world.pass(WATCHDOG_MS / 2)
  world.workers.head.onAlive()
  world.pass(WATCHDOG_MS / 2)
  assert.deepEqual(
    world.since(),
    ['ping', 'manager alive', 'ping'],
    'a hanging reactor is not reported as alive',
  )
})

test('includes the counters of the reactor of a master in the sums', async (t) => {
  const begins = t.mock.method(CounterKeeper.prototype, 'beginMaster')
  const masterCounters = new Float64Array(1)
  await HeadWorld.start(t, { masterCounters })
  assert.deepEqual(
    begins.mock.calls.map(({ arguments: [counters] }) => counters === masterCounters),
    [true],
  )
})

for (const [first, second] of [
  ['SIGTERM', 'SIGTERM'],
  ['SIGTERM', 'SIGINT'],
  ['SIGINT', 'SIGTERM'],
  ['SIGINT', 'SIGINT'],
] as const) {
  test(`${first} drains, ${second} after it cuts`, async (t) => {
    const world = await HeadWorld.start(t)
    world.serving()
    world.workers.sessions = 3
    world.since()
    await world.signal(first)
    assert.deepEqual(world.since(), ['manager stopping', 'drain', 'release pidfile'])
    assert.equal(world.logged(new RegExp(`${first}: exiting`)), 1)
    assert.equal(world.logged(/waiting up to 60 s for 3 sessions/), 1)
    await world.signal(second)
    assert.deepEqual(world.since(), ['cut'])
    assert.deepEqual(world.shutdown.codes, [])
    world.workers.head.onIdle()
    assert.deepEqual(world.shutdown.codes, [EXIT_OK])
    assert.equal(world.logged(/no longer needed/), 0)
  })
}

test('cuts at the end of the grace period, and exits although the workers do not answer', async (t) => {
  const world = await HeadWorld.start(t)
  await world.signal('SIGTERM')
  world.since()
  world.pass(GRACE_PERIOD_MS - 1)
  assert.deepEqual(world.since(), [])
  world.pass(1)
  assert.deepEqual(world.since(), ['cut'])
  assert.equal(world.logged(/the grace period is over/), 1)
  world.pass(world.workers.cutMaxMs - 1)
  assert.deepEqual(world.shutdown.codes, [])
  world.pass(1)
  assert.deepEqual(world.shutdown.codes, [EXIT_OK])
})

test('the shutdown ends timers, workers and then the access log', async (t) => {
  const world = await HeadWorld.start(t)
  world.serving()
  world.since()
  let isDone = false
  world.shutdown.steps[0]?.end(() => {
    isDone = true
  })
  assert.deepEqual([world.since(), isDone], [['shut down'], true])
  world.pass(WATCHDOG_MS * 2)
  assert.deepEqual(world.since(), [], 'no timer is left')
  assert.equal(world.head.load.isDying, true)
})

test('the shutdown is not done while the reactor hangs: Shutdown itself limits that', async (t) => {
  const world = await HeadWorld.start(t)
  world.workers.hangs = true
  let isDone = false
  world.shutdown.steps[0]?.end(() => {
    isDone = true
  })
  assert.equal(isDone, false)
})

test('SIGHUP while it ends changes nothing', async (t) => {
  const world = await HeadWorld.start(t)
  await world.signal('SIGTERM')
  world.since()
  await world.signal('SIGHUP')
  assert.deepEqual([world.since(), world.logged(/SIGHUP/)], [[], 0])
})

test('workers that retire end the process when they are idle, and reload no more', async (t) => {
  const world = await HeadWorld.start(t)
  world.serving()
  world.workers.head.onRetired()
  assert.equal(world.head.load.isDying, true)
  await world.signal('SIGHUP')
  assert.equal(world.logged(/reloading/), 0)
  world.workers.head.onIdle()
  assert.equal(world.logged(/Terminating, no longer needed\./), 1)
  assert.deepEqual(world.shutdown.codes, [EXIT_OK])
})

for (const signal of ['SIGHUP', 'SIGTERM'] as const) {
  test(`the child of a foreign master retires on ${signal}`, async (t) => {
    const world = await HeadWorld.start(t, { hasForeignMaster: true })
    world.serving()
    world.since()
    await world.signal(signal)
    assert.deepEqual(world.since(), ['drain'], 'the pidfile and the service manager are not its own')
    assert.equal(world.logged(new RegExp(`${signal}: No longer accepting new connections\\.`)), 1)
    world.pass(GRACE_PERIOD_MS * 10)
    assert.deepEqual(
      world.since().filter((what) => what !== 'ping'),
      [],
      'it has all the time it needs',
    )
    assert.equal(world.head.load.isDying, true)
    world.workers.head.onIdle()
    assert.deepEqual(world.shutdown.codes, [EXIT_OK])
  })
}

test('a problem that is fatal is logged and ends the process', async (t) => {
  const world = await HeadWorld.start(t)
  world.workers.head.onFatal('reactor: it is gone', EXIT_SOFTWARE)
  assert.equal(world.logged(/err: reactor: it is gone/), 1)
  assert.deepEqual(world.shutdown.codes, [EXIT_SOFTWARE])
})
