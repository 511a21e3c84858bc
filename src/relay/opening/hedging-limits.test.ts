import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type QueueOptions, QueueWorld } from '../../../test/support/queue-world.js'
import { Hedging } from '../../balance/hedging.js'
import { RetryBudget } from '../../balance/retry-budget.js'
import { ECONNREFUSED } from '../../kernel/errno.js'
import { COUNT } from '../../observe/counters.js'
import { PLAIN_REMOTE } from '../remote-options.js'

const AFTER_MS = 50
const generous = () => new Hedging({ afterMs: AFTER_MS }, new RetryBudget(0, 100))

/** Remotes that do not answer until the test says so, in a pool that hedges after 50 ms. */
function silentWorld(more: Partial<QueueOptions> = {}) {
  const world = new QueueWorld({ max: [10, 10, 10], hedging: generous(), ...more })
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
    tried: () => world.connections.map(({ remote }) => remote),
    open: () => world.connections.flatMap(({ socket }, nth) => (socket.isClosed ? [] : nth)),
    hedges: () => {
      const { counters } = world.cells.child(0)
      return [counters[COUNT.hedges], counters[COUNT.hedgesWon]]
    },
    use: () => [...world.cells.use.subarray(0, 3)],
  }
}

test('a slow attempt is hedged by one at another remote, and the first one that is connected serves', () => {
  for (const winner of [0, 1]) {
    const { answer, hedges, open, tried, use, world, worker } = silentWorld()
    const client = worker.connect('tcp', 'hello')
    world.pass(AFTER_MS - 1)
    assert.deepEqual([tried(), use()], [[0], [1, 0, 0]])
    world.pass(2)
    assert.deepEqual(
      [tried(), open(), use()],
      [
        [0, 1],
        [0, 1],
        [1, 1, 0],
      ],
    )
    world.pass(500)
    assert.deepEqual(tried(), [0, 1], 'one hedge for each client')
    answer(winner)
    assert.deepEqual([worker.phases, open()], [['relaying'], [winner]])
    assert.deepEqual(use(), winner === 0 ? [1, 0, 0] : [0, 1, 0])
    assert.deepEqual(hedges(), [1, winner])
    const texts = world.connections.map(({ text }) => text)
    assert.deepEqual(texts, winner === 0 ? ['hello', ''] : ['', 'hello'])
    for (const slot of [0, 1]) assert.equal(worker.parts.health.isFailing(slot), false)
    worker.leave(client)
    const [record] = world.ended
    assert.deepEqual(
      [record?.remote, record?.failedAttempts],
      winner === 0 ? ['remote 0', ''] : ['remote 1', 'remote 0:slow'],
    )
    assert.deepEqual([use(), worker.kernel.openDescriptors, worker.loop.timers.count], [[0, 0, 0], [], 0])
  }
})

test('a remote that fails while another one is in flight is backed off from, and the other one goes on', () => {
  for (const failing of [0, 1]) {
    const { answer, hedges, open, refuse, tried, use, world, worker } = silentWorld()
    worker.connect()
    world.pass(60)
    refuse(failing)
    assert.deepEqual([tried(), open()], [[0, 1], [1 - failing]])
    assert.equal(worker.parts.health.isFailing(failing), true)
    assert.equal(worker.parts.health.isFailing(1 - failing), false)
    assert.deepEqual(use(), failing === 0 ? [0, 1, 0] : [1, 0, 0])
    answer(1 - failing)
    assert.deepEqual([worker.phases, hedges()], [['relaying'], [1, 0]])
  }
})

test('when both have failed the next remote is tried', () => {
  const { answer, refuse, tried, use, world, worker } = silentWorld()
  worker.connect()
  world.pass(60)
  refuse(1)
  refuse(0)
  assert.deepEqual(
    [tried(), use()],
    [
      [0, 1, 2],
      [0, 0, 1],
    ],
  )
  world.pass(200)
  assert.deepEqual(tried(), [0, 1, 2])
  answer(2)
  assert.deepEqual(worker.phases, ['relaying'])
})

test('the addresses of either remote are tried when one of them fails', () => {
  const { answer, open, refuse, tried, world, worker } = silentWorld({ addresses: 2, max: [10, 10] })
  const hosts = () => world.connections.map(({ host, remote }) => `${remote} ${host}`)
  worker.connect()
  world.pass(60)
  world.pass(500)
  assert.deepEqual(hosts(), ['0 10.0.0.2', '1 10.0.0.2'], 'one attempt at each remote')
  refuse(0)
  refuse(1)
  assert.deepEqual(hosts().slice(2), ['0 10.0.0.3', '1 10.0.0.3'])
  refuse(3)
  assert.deepEqual([open(), tried()], [[2], [0, 1, 0, 1]])
  answer(2)
  assert.deepEqual(worker.phases, ['relaying'])
  assert.equal(worker.parts.remotes.at(0).order[0], 1)
})

test('addresses that are in flight are hedge enough', () => {
  const hedging = new Hedging({ afterMs: 300 }, new RetryBudget(0, 100))
  const { tried, world, worker } = silentWorld({ addresses: 2, hedging })
  worker.connect()
  world.pass(1_000)
  assert.deepEqual(tried(), [0, 0])
})

test('limits of attempts, of hedges and of places hold', () => {
  const cases: readonly Partial<QueueOptions>[] = [
    { options: { attemptsMax: 1 } },
    { retryBudget: new RetryBudget(0, 0) },
    { hedging: new Hedging({ afterMs: AFTER_MS }) },
    { hedging: new Hedging({ percentile: 95 }, new RetryBudget(0, 100)) },
    { max: [10, 0, 0] },
    { max: [10] },
    { remote: { options: { ...PLAIN_REMOTE, isFastOpen: true } } },
  ]
  for (const [i, given] of cases.entries()) {
    const { answer, hedges, tried, world, worker } = silentWorld(given)
    worker.connect()
    world.pass(500)
    assert.deepEqual([tried(), hedges()], [[0], [0, 0]], `case ${i}`)
    answer(0)
    assert.deepEqual([worker.phases, world.cells.use[0]], [['relaying'], 1], `case ${i}`)
  }
})

test('waiting clients come before hedges', () => {
  const { tried, world, worker } = silentWorld({ max: [1, 1], options: { queueTimeoutMs: 60_000 } })
  worker.connect()
  worker.connect()
  worker.connect()
  assert.deepEqual(
    [tried(), worker.phases],
    [
      [0, 1],
      ['dialling', 'dialling', 'queued'],
    ],
  )
  worker.relay.openSessions.find(({ remoteSlot }) => remoteSlot === 1)?.cut('shutdown')
  world.pass(10)
  assert.deepEqual(
    [tried(), worker.phases],
    [
      [0, 1, 1],
      ['dialling', 'dialling'],
    ],
  )
})

test('a remote that is backed off from is no hedge, until its back-off is over', () => {
  const { tried, use, world, worker } = silentWorld({ max: [10, 10] })
  const { health } = worker.parts
  health.failed(0, worker.loop.nowMs - 1, worker.loop.nowMs)
  const untilMs = health.backOffUntilMs(0)
  worker.connect()
  world.pass(100)
  assert.deepEqual([tried(), use().slice(0, 2), health.backOffUntilMs(0)], [[1], [0, 1], untilMs])
  world.pass(1_000)
  worker.relay.cutAll('shutdown')
  worker.connect()
  world.pass(100)
  assert.deepEqual(tried().slice(1).toSorted(), [0, 1])
})

test('the percentile is that of connect times, those of slower remotes included', () => {
  const hedging = new Hedging({ percentile: 50 }, new RetryBudget(0, 100))
  const { answer, tried, world, worker } = silentWorld({ hedging, max: [1_000, 1_000] })
  for (let nth = 0; nth < 64; nth++) {
    worker.connect()
    world.pass(20)
    answer(nth)
  }
  assert.ok(hedging.delayMs >= 19 && hedging.delayMs <= 22, String(hedging.delayMs))
  worker.connect()
  world.pass(30)
  assert.equal(tried().length, 66)
  answer(65)
  assert.equal(worker.phases.length, 65)
})

test('a session that ends closes both attempts and gives back both places', () => {
  const { open, use, world, worker } = silentWorld()
  const client = worker.connect()
  world.pass(60)
  worker.leave(client)
  assert.deepEqual([open(), use()], [[], [0, 0, 0]])
  worker.connect()
  world.pass(60)
  worker.relay.cutAll('shutdown')
  assert.deepEqual([open(), use(), worker.kernel.openDescriptors], [[], [0, 0, 0], []])
  assert.deepEqual([worker.loop.watchCount, worker.loop.timers.count], [0, 0])
})

test('each of the two has its own time limit', () => {
  const { open, use, world, worker } = silentWorld({ options: { connectTimeoutMs: 200 }, max: [10, 10] })
  worker.connect()
  world.pass(210)
  assert.deepEqual([open(), use().slice(0, 2)], [[1], [0, 1]])
  world.pass(50)
  assert.deepEqual([open(), use().slice(0, 2), world.ended[0]?.reason], [[], [0, 0], 'no-remote'])
  assert.equal(world.ended[0]?.failedAttempts, 'remote 0:timeout,remote 1:timeout')
})
