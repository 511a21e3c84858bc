import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type QueueOptions, QueueWorld } from '../../../test/support/queue-world.js'
import { RetryBudget } from '../../balance/retry-budget.js'
import { EADDRNOTAVAIL } from '../../kernel/errno.js'
import { COUNT, LISTENER_COUNT } from '../../observe/counters.js'

const NO_LIMIT = 1_000

/** `remotes` that refuse, and nothing else to do. */
function refusingWorld(remotes: number, options: QueueOptions['options'], more: Partial<QueueOptions> = {}) {
  const world = new QueueWorld({
    max: new Array<number>(remotes).fill(NO_LIMIT),
    options: options ?? {},
    ...more,
  })
  world.refuses = true
  return { world, worker: world.worker() }
}

const reasons = ({ ended }: QueueWorld) => ended.map(({ reason }) => reason)

test('a client ends after `attempts max` attempts, over all rounds and without waiting for another one', () => {
  const { world, worker } = refusingWorld(1, { dialRetries: 9, attemptsMax: 3 })
  worker.connect()
  world.pass(1_999)
  assert.deepEqual([world.connections.length, reasons(world)], [2, []])
  world.pass(10)
  assert.deepEqual([world.connections.length, reasons(world)], [3, ['attempts-max']])
  const [record] = world.ended
  assert.deepEqual([record?.failedAttempts, record?.cause], ['remote 0:refused*3', 'connection refused'])
  const { counters, listenerCounters } = world.cells.child(0)
  assert.deepEqual([counters[COUNT.attemptsMaxReached], counters[COUNT.notServed]], [1, 0])
  assert.equal(listenerCounters[LISTENER_COUNT.notServed], 1)
})

test('the attempts are those at all remotes and addresses', () => {
  const { world, worker } = refusingWorld(3, { attemptsMax: 5 }, { addresses: 2 })
  worker.connect()
  assert.deepEqual(reasons(world), ['attempts-max'])
  assert.equal(world.connections.length, 5)
  assert.equal(new Set(world.connections.map(({ host, remote }) => `${remote} ${host}`)).size, 5)
})

test('a client with nothing left to try ends as `no-remote`', () => {
  const { world, worker } = refusingWorld(2, { attemptsMax: 2, dialRetries: 0 })
  worker.connect()
  assert.deepEqual([world.connections.length, reasons(world)], [2, ['no-remote']])
  const spent = refusingWorld(1, { dialRetries: 0 }, { retryBudget: new RetryBudget(0, 0) })
  spent.worker.connect()
  assert.deepEqual(reasons(spent.world), ['no-remote'])
})

test('the next client begins with the address that the limit left untried, and the remote counts as failed', () => {
  const { world, worker } = refusingWorld(1, { attemptsMax: 1 }, { addresses: 2 })
  for (let i = 0; i < 3; i++) worker.connect()
  assert.deepEqual(
    world.connections.map(({ host }) => host),
    ['10.0.0.2', '10.0.0.3', '10.0.0.2'],
  )
  assert.equal(worker.parts.health.isFailing(0), true)
  assert.equal(world.cells.use[0], 0, 'its place is given back')
})

test('attempts that this machine refuses do not count', () => {
  const { world, worker } = refusingWorld(3, { attemptsMax: 1, dialRetries: 0 }, { addresses: 2 })
  world.refusalErrno = EADDRNOTAVAIL
  worker.connect()
  assert.deepEqual([world.connections.length, reasons(world)], [6, ['no-remote']])
})

test('the last attempt may take all of the time that is left', () => {
  const world = new QueueWorld({
    max: [NO_LIMIT, NO_LIMIT],
    options: { attemptsMax: 1, connectTimeoutMs: Number.POSITIVE_INFINITY, dialTimeoutMs: 100 },
  })
  world.isSilent = true
  world.worker().connect()
  world.pass(90)
  assert.deepEqual([world.connections.length, reasons(world)], [1, []])
  world.pass(20)
  assert.deepEqual([world.connections.length, reasons(world)], [1, ['dial-timeout']])
})

test('a retry beyond the budget ends the client, which is counted and logged', () => {
  const { world, worker } = refusingWorld(2, { dialRetries: 0 }, { retryBudget: new RetryBudget(50, 0) })
  worker.connect()
  assert.deepEqual([world.connections.length, reasons(world)], [1, ['retry-budget']])
  assert.deepEqual(world.lines, [
    'rejected client 10.0.0.1:5000 of pool default: the retry budget of 50 % is spent: connection refused',
  ])
  worker.connect()
  assert.deepEqual([world.connections.length, reasons(world).at(-1)], [3, 'no-remote'])
  const { counters, listenerCounters } = world.cells.child(0)
  assert.deepEqual([counters[COUNT.retryBudgetSpent], counters[COUNT.notServed]], [1, 1])
  assert.equal(listenerCounters[LISTENER_COUNT.notServed], 2)
})

test('a round that begins later needs the budget of its time', () => {
  const { world, worker } = refusingWorld(1, { dialRetries: 9 }, { retryBudget: new RetryBudget(0, 0.1) })
  worker.connect()
  worker.connect()
  assert.deepEqual([world.connections.length, reasons(world)], [2, []])
  world.pass(1_010)
  assert.deepEqual([world.connections.length, reasons(world)], [3, ['retry-budget']])
  world.pass(1_010)
  assert.deepEqual(reasons(world), ['retry-budget', 'retry-budget'])
})

test('a waiting client whose retry is refused leaves the place to the next one', () => {
  // A and B retry, then there is no budget for C, which has waited behind B.
  const world = new QueueWorld({
    max: [NO_LIMIT, 1],
    options: { dialRetries: 0, queueTimeoutMs: 60_000 },
    retryBudget: new RetryBudget(0, 0.2),
  })
  world.refusing.add(0)
  const worker = world.worker()
  const a = worker.connect()
  world.pass(1_001)
  const b = worker.connect()
  world.pass(2_001)
  worker.connect()
  worker.connect()
  assert.deepEqual(worker.phases, ['relaying', 'queued', 'queued', 'queued'])
  worker.leave(a)
  assert.deepEqual(worker.phases, ['relaying', 'queued', 'queued'])
  worker.leave(b)
  assert.deepEqual(worker.phases, ['relaying'])
  assert.deepEqual(reasons(world), ['client-reset', 'client-reset', 'retry-budget'])
  assert.equal(world.waiting, 0)
})
