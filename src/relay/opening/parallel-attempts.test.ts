import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type QueueOptions, QueueWorld } from '../../../test/support/queue-world.js'
import { RetryBudget } from '../../balance/retry-budget.js'
import { ECONNREFUSED, EMFILE } from '../../kernel/errno.js'
import { COUNT, REMOTE_COUNT } from '../../observe/counters.js'
import { PLAIN_REMOTE } from '../remote-options.js'

/** One remote whose addresses do not answer until the test says so. */
function silentWorld(addresses: number, more: Partial<QueueOptions> = {}) {
  const world = new QueueWorld({ max: [1_000], addresses, ...more })
  world.isSilent = true
  const worker = world.worker()
  return {
    world,
    worker,
    answer: (nth: number) => worker.answer(world.connections[nth]?.socket),
    refuse: (nth: number) => {
      world.connections[nth]?.socket.arriveReset(ECONNREFUSED)
      worker.turn()
    },
    /** Which addresses, in the order of attempts. */
    tried: () => world.connections.map(({ host }) => Number(host.split('.').at(-1)) - 2),
    /** Attempts whose socket is open. */
    open: () => world.connections.flatMap(({ socket }, nth) => (socket.isClosed ? [] : nth)),
    reasons: () => world.ended.map(({ reason }) => reason),
  }
}

function countsOf(world: QueueWorld) {
  const { counters, remoteCounters } = world.cells.child(0)
  return [
    counters[COUNT.attempts],
    counters[COUNT.attemptsFailed],
    remoteCounters[REMOTE_COUNT.attempts],
    remoteCounters[REMOTE_COUNT.attemptsFailed],
    remoteCounters[REMOTE_COUNT.sessions],
  ]
}

test('the next address begins after 250 ms, and the first one that is connected serves', () => {
  const { answer, open, tried, world, worker } = silentWorld(3)
  const client = worker.connect('tcp', 'hello')
  world.pass(249)
  assert.deepEqual(tried(), [0])
  world.pass(2)
  assert.deepEqual(
    [tried(), open()],
    [
      [0, 1],
      [0, 1],
    ],
  )
  answer(1)
  assert.deepEqual([open(), worker.phases], [[1], ['relaying']])
  assert.deepEqual(
    world.connections.map(({ text }) => text),
    ['', 'hello'],
  )
  assert.deepEqual(countsOf(world), [2, 0, 2, 0, 1])
  assert.equal(worker.parts.health.isFailing(0), false)
  assert.equal(world.cells.use[0], 1)
  worker.leave(client)
  assert.deepEqual(worker.kernel.openDescriptors, [])
  assert.deepEqual([worker.loop.watchCount, worker.loop.timers.count], [0, 0])
})

test('an earlier address may still win, also after several others have begun', () => {
  for (const winner of [0, 1, 2, 3]) {
    const { answer, open, tried, world, worker } = silentWorld(4)
    worker.connect()
    world.pass(800)
    assert.deepEqual(
      [tried(), open()],
      [
        [0, 1, 2, 3],
        [0, 1, 2, 3],
      ],
    )
    answer(winner)
    assert.deepEqual([open(), worker.phases], [[winner], ['relaying']])
    worker.connect()
    assert.equal(tried().at(-1), winner, 'it is the first one of the next client')
  }
})

test('of two addresses that answer at the same moment one is used', () => {
  const { answer, open, world, worker } = silentWorld(2)
  worker.connect()
  world.pass(260)
  world.connections[0]?.socket.arriveConnected()
  answer(1)
  assert.deepEqual([open(), worker.phases], [[0], ['relaying']])
})

test('the next address begins at once when one has failed, whichever that is', () => {
  for (const failing of [0, 1]) {
    const { open, refuse, tried, world, worker } = silentWorld(4)
    worker.connect()
    world.pass(260)
    refuse(failing)
    assert.deepEqual(
      [tried(), open()],
      [
        [0, 1, 2],
        [1 - failing, 2],
      ],
    )
    world.pass(200)
    assert.deepEqual(tried(), [0, 1, 2])
    world.pass(60)
    assert.deepEqual(tried(), [0, 1, 2, 3])
  }
})

test('a remote has failed once when all of its addresses have failed', () => {
  const { reasons, refuse, tried, world, worker } = silentWorld(2)
  worker.connect()
  world.pass(260)
  refuse(0)
  assert.deepEqual([worker.parts.health.isFailing(0), reasons()], [false, []])
  refuse(1)
  assert.deepEqual([worker.parts.health.isFailing(0), reasons()], [true, ['no-remote']])
  assert.deepEqual(
    [tried(), countsOf(world)],
    [
      [0, 1],
      [2, 2, 2, 2, 0],
    ],
  )
  assert.equal(world.ended[0]?.failedAttempts, 'remote 0:refused*2')
  assert.equal(world.cells.use[0], 0)
  const backOffMs = worker.parts.health.backOffUntilMs(0) - worker.loop.nowMs
  assert.ok(backOffMs > 500 && backOffMs <= 1_000, 'that of a first failure')
})

test('each address has its own connect timeout', () => {
  const { reasons, open, tried, world, worker } = silentWorld(3, { options: { connectTimeoutMs: 600 } })
  worker.connect()
  world.pass(550)
  assert.deepEqual(open(), [0, 1, 2])
  world.pass(60)
  assert.deepEqual(open(), [1, 2])
  world.pass(250)
  assert.deepEqual([open(), reasons()], [[2], []])
  world.pass(250)
  assert.deepEqual([open(), reasons(), tried()], [[], ['no-remote'], [0, 1, 2]])
  assert.equal(world.ended[0]?.failedAttempts, 'remote 0:timeout*3')
})

test('all end with the dial timeout', () => {
  const options = { connectTimeoutMs: 10_000, dialTimeoutMs: 1_000 }
  const { open, reasons, world, worker } = silentWorld(2, { options })
  worker.connect()
  world.pass(990)
  assert.deepEqual(reasons(), [])
  world.pass(20)
  assert.deepEqual([open(), reasons()], [[], ['dial-timeout']])
})

test('four addresses are in flight at most', () => {
  const { open, refuse, tried, world, worker } = silentWorld(6)
  worker.connect()
  world.pass(3_000)
  assert.deepEqual(tried(), [0, 1, 2, 3])
  refuse(2)
  assert.deepEqual(
    [tried(), open()],
    [
      [0, 1, 2, 3, 4],
      [0, 1, 3, 4],
    ],
  )
  world.pass(1_000)
  assert.deepEqual(tried(), [0, 1, 2, 3, 4])
  refuse(4)
  refuse(0)
  assert.deepEqual(
    [tried(), open()],
    [
      [0, 1, 2, 3, 4, 5],
      [1, 3, 5],
    ],
  )
})

test('at a limit no further address begins, and those in flight go on', () => {
  const limits = [{ options: { attemptsMax: 2 } }, { retryBudget: new RetryBudget(0, 0.1) }]
  for (const limit of limits) {
    const { answer, refuse, reasons, tried, world, worker } = silentWorld(3, limit)
    worker.connect()
    world.pass(900)
    assert.deepEqual(tried(), [0, 1])
    refuse(1)
    assert.deepEqual([tried(), reasons()], [[0, 1], []])
    answer(0)
    assert.deepEqual([worker.phases, reasons()], [['relaying'], []])
  }
})

test('at a limit the client ends when none is in flight, and the next one begins with the address that was left', () => {
  const { refuse, reasons, tried, world, worker } = silentWorld(3, { options: { attemptsMax: 2 } })
  worker.connect()
  world.pass(900)
  refuse(0)
  refuse(1)
  assert.deepEqual([tried(), reasons()], [[0, 1], ['attempts-max']])
  worker.connect()
  assert.deepEqual(tried(), [0, 1, 2])
})

test('without a descriptor for the next address those in flight go on, and it is tried again', () => {
  const { answer, tried, open, world, worker } = silentWorld(2)
  const { calls } = worker.parts.system
  const { socket } = calls
  Object.assign(calls, { socket: () => -EMFILE })
  worker.connect()
  assert.deepEqual(tried(), [])
  Object.assign(calls, { socket })
  world.pass(110)
  Object.assign(calls, { socket: () => -EMFILE })
  world.pass(300)
  assert.deepEqual([tried(), open()], [[0], [0]])
  assert.equal(world.lines.length, 1)
  Object.assign(calls, { socket })
  world.pass(250)
  assert.deepEqual(tried(), [0, 1])
  answer(0)
  assert.deepEqual([open(), worker.phases], [[0], ['relaying']])
})

test('a session that ends closes all of its attempts', () => {
  const { answer, open, world, worker } = silentWorld(3)
  const client = worker.connect()
  worker.connect()
  world.pass(600)
  assert.deepEqual(open(), [0, 1, 2, 3, 4, 5])
  worker.leave(client)
  assert.equal(open().length, 3)
  worker.relay.cutAll('shutdown')
  answer(5)
  assert.deepEqual([open(), worker.kernel.openDescriptors], [[], []])
  assert.deepEqual([worker.loop.watchCount, worker.loop.timers.count], [0, 0])
  assert.equal(world.cells.use[0], 0)
})

test('sessions that dial at the same time agree on the address that answers', () => {
  const { answer, tried, world, worker } = silentWorld(3)
  for (let i = 0; i < 3; i++) worker.connect()
  world.pass(260)
  assert.deepEqual(tried(), [0, 0, 0, 1, 1, 1])
  for (const nth of [3, 4, 5]) answer(nth)
  worker.connect()
  assert.equal(tried().at(-1), 1)
})

test('addresses that are replaced by fewer ones meanwhile do no harm', () => {
  const { answer, world, worker } = silentWorld(3)
  worker.connect()
  worker.connect()
  world.pass(260)
  const remote = worker.parts.remotes.at(0)
  remote.replaceAddresses([{ family: 'ipv4', host: '10.0.0.9', port: 1_000 }])
  world.pass(500)
  answer(2)
  assert.deepEqual(worker.phases, ['relaying', 'dialling'])
  remote.replaceAddresses([])
  world.pass(500)
  answer(3)
  assert.deepEqual(worker.phases, ['relaying', 'relaying'])
})

test('bytes in a SYN go to one address: with fast open addresses are tried one after the other', () => {
  const remote = { options: { ...PLAIN_REMOTE, isFastOpen: true } }
  const { refuse, tried, world, worker } = silentWorld(2, { remote })
  worker.connect()
  world.pass(1_000)
  assert.deepEqual(tried(), [0])
  refuse(0)
  assert.deepEqual(tried(), [0, 1])
})
