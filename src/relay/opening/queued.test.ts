import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type QueueOptions, QueueWorld } from '../../../test/support/queue-world.js'
import { COUNT } from '../../observe/counters.js'

/** A world of one worker, and clients that have taken all places of its remotes. */
function fullWorld(options: QueueOptions) {
  const world = new QueueWorld(options)
  const worker = world.worker()
  const holders = options.max.flatMap((max) => Array.from({ length: max }, () => worker.connect()))
  assert.ok(worker.phases.every((phase) => phase === 'relaying'))
  return { world, worker, holders }
}

const reasons = ({ ended }: QueueWorld) => ended.map(({ reason }) => reason)

test('a client waits while all remotes are full, and gets the first place in the same turn', () => {
  const { holders, world, worker } = fullWorld({ max: [2] })
  const bytes = 'a request'
  worker.connect('tcp', bytes)
  assert.deepEqual([worker.phases.at(-1), world.waiting, world.connections.length], ['queued', 1, 2])
  const [holder] = holders
  holder?.arriveReset(104)
  worker.loop.turn(0)
  assert.equal(world.connections.length, 3, 'one turn')
  worker.turn()
  assert.equal(world.connections.at(-1)?.text, bytes)
  assert.deepEqual([worker.phases.at(-1), world.waiting], ['relaying', 0])
})

test('clients are served in the order in which they came', () => {
  const { holders, world, worker } = fullWorld({ max: [1] })
  const waiting = ['first', 'second', 'third'].map((bytes) => {
    world.pass(1)
    return worker.connect('tcp', bytes)
  })
  for (const holder of [...holders, ...waiting.slice(0, 2)]) {
    worker.turn()
    worker.leave(holder)
    world.pass(1)
  }
  const sent = world.connections.slice(1).map(({ text }) => text)
  assert.deepEqual(sent, ['first', 'second', 'third'])
})

test('a client that resets leaves its place at once, and those behind it move up', () => {
  const { holders, world, worker } = fullWorld({ max: [1] })
  const [first, second, third] = ['1', '2', '3'].map((bytes) => worker.connect('tcp', bytes))
  assert.ok(first !== undefined && second !== undefined && third !== undefined)
  worker.leave(second)
  assert.deepEqual([world.waiting, reasons(world)], [2, ['client-left']])
  worker.leave(first)
  for (const holder of holders) worker.leave(holder)
  assert.equal(world.connections.at(-1)?.text, '3')
  assert.equal(world.waiting, 0)
})

test('a half-closed client keeps waiting, and its bytes and its end are passed on', () => {
  const { holders, world, worker } = fullWorld({ max: [1] })
  const client = worker.connect('tcp', 'all of it')
  client.arriveEnd()
  world.pass(20)
  assert.equal(world.waiting, 1)
  for (const holder of holders) worker.leave(holder)
  worker.turn()
  const served = world.connections.at(-1)
  assert.deepEqual([served?.text, served?.socket.isShut], ['all of it', true])
})

test('a client that closes its Unix socket leaves, unless it has sent something', () => {
  const { world, worker } = fullWorld({ max: [1] })
  const [silent, talking] = [worker.connect('unix'), worker.connect('unix', 'a message')]
  for (const client of [silent, talking]) client.arriveClose()
  worker.turn()
  assert.deepEqual([world.waiting, reasons(world)], [1, ['client-left']])
})

test('a client that has waited too long is rejected, and so is one beyond the size of the queue', () => {
  const { world, worker } = fullWorld({ max: [1], queueSize: 1, options: { queueTimeoutMs: 500 } })
  worker.connect()
  worker.connect()
  assert.deepEqual([reasons(world), world.waiting], [['queue-full'], 1])
  world.pass(499)
  assert.equal(world.waiting, 1)
  world.pass(3)
  assert.deepEqual([reasons(world), world.waiting], [['queue-full', 'queue-timeout'], 0])
  assert.deepEqual(
    world.ended.map(({ queuedMs }) => Math.round(queuedMs / 10) * 10),
    [0, 500],
  )
  assert.match(world.lines[0] ?? '', /^rejected client 10\.0\.0\.1:5002 of pool default: its queue is full$/)
  const { counters } = world.cells.child(0)
  const counted = (['queued', 'queuedNow', 'queueFull', 'queueTimeouts'] as const).map(
    (name) => counters[COUNT[name]],
  )
  assert.deepEqual(counted, [1, 0, 1, 1])
})

test('the time in the queue does not count as dialling', () => {
  const { holders, world, worker } = fullWorld({
    max: [1],
    options: { queueTimeoutMs: 60_000, dialTimeoutMs: 2_000 },
  })
  worker.connect()
  world.pass(5_000)
  for (const holder of holders) worker.leave(holder)
  assert.deepEqual([worker.phases, reasons(world)], [['relaying'], ['client-reset']])
})

test('waiting clients notice a place that a person gives, and a remote that comes up, within 5 ms', () => {
  const { world, worker } = fullWorld({ max: [1, 1] })
  const { health } = worker.parts
  for (let i = 0; i < 3; i++) worker.connect()
  world.cells.useMax[0] = 2
  world.pass(5)
  assert.deepEqual([world.connections.at(-1)?.remote, world.waiting], [0, 2])
  health.setAdminState(1, 'maint')
  world.cells.useMax[1] = 3
  world.pass(50)
  assert.equal(world.waiting, 2)
  health.setAdminState(1, 'ready')
  world.pass(5)
  assert.deepEqual([world.connections.at(-1)?.remote, world.waiting], [1, 0])
})

test('clients do not wait for remotes that are down', () => {
  const { holders, world, worker } = fullWorld({ max: [1] })
  for (let i = 0; i < 3; i++) worker.connect()
  world.refuses = true
  for (const holder of holders) worker.leave(holder)
  world.pass(10)
  assert.deepEqual([world.waiting, reasons(world).slice(1)], [0, ['no-remote', 'no-remote', 'no-remote']])
})

test('the retry of a client whose remote fails waits behind the others', () => {
  const { world, worker } = fullWorld({ max: [1, 1], options: { dialRetries: 3 } })
  const [first, second] = [worker.connect('tcp', '1'), worker.connect('tcp', '2')]
  assert.ok(first !== undefined && second !== undefined)
  world.refuses = true
  const [holder] = [...worker.relay.openSessions]
  holder?.cut('shutdown')
  worker.turn()
  assert.equal(world.waiting, 2, 'the first one has tried a remote and waits for the other one')
  world.refuses = false
  worker.relay.openSessions.find(({ phase }) => phase === 'relaying')?.cut('shutdown')
  worker.turn()
  assert.equal(world.connections.at(-1)?.text, '2')
})

test('cutting all sessions serves nobody in between', () => {
  const { world, worker } = fullWorld({ max: [2] })
  for (let i = 0; i < 5; i++) worker.connect()
  worker.relay.cutAll('shutdown')
  assert.deepEqual([world.connections.length, world.waiting, worker.relay.openCount], [2, 0, 0])
  assert.ok(reasons(world).every((reason) => reason === 'shutdown'))
  assert.equal(worker.loop.timers.count, 0, 'nothing polls')
})

test('over all workers the client that came first is served first', () => {
  const world = new QueueWorld({ max: [1], workers: 3 })
  const [one, two, three] = [world.worker(0), world.worker(1), world.worker(2)]
  const holder = one.connect()
  const clients = [two, three, one, two].map((worker, i) => {
    world.pass(1)
    return worker.connect('tcp', `${i}`)
  })
  assert.equal(world.waiting, 4)
  one.leave(holder)
  const order: (string | undefined)[] = []
  for (const [i, worker] of [two, three, one, two].entries()) {
    world.pass(5)
    order.push(world.connections.at(-1)?.text)
    worker.leave(clients[i] as (typeof clients)[number])
  }
  assert.deepEqual(order, ['0', '1', '2', '3'])
  assert.deepEqual([world.waiting, world.cells.use[0]], [0, 0])
})

test('a new client does not overtake one that waits in another worker', () => {
  const world = new QueueWorld({ max: [1], workers: 2 })
  const [one, two] = [world.worker(0), world.worker(1)]
  const holder = one.connect()
  two.connect('tcp', 'waiting')
  world.pass(1)
  one.leave(holder)
  one.connect('tcp', 'new')
  assert.equal(world.waiting, 2)
  world.pass(5)
  assert.deepEqual([world.waiting, two.phases, one.phases], [1, ['relaying'], ['queued']])
})

test('a stopped worker does not block the others, and a dead one leaves nothing', () => {
  const world = new QueueWorld({ max: [1], workers: 2 })
  const [one, two] = [world.worker(0), world.worker(1)]
  const holder = one.connect()
  world.pass(1)
  two.connect()
  world.pass(1)
  const next = [one.connect(), one.connect()]
  one.leave(holder)
  world.pass(10, [one])
  assert.equal(world.waiting, 3, 'the place is left to the stopped one')
  world.pass(15, [one])
  assert.equal(world.waiting, 2)
  one.leave(next[0] as (typeof next)[number])
  assert.equal(world.waiting, 1, 'it is not waited for again')
  world.cells.giveBack(1)
  assert.deepEqual([world.waiting, world.cells.queuedSinceOf(1)[0]], [0, 0])
})
