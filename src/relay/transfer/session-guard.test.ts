import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type QueueOptions, QueueWorld } from '../../../test/support/queue-world.js'
import { COUNT } from '../../observe/counters.js'
import { type SessionLimits, UNLIMITED } from '../session-limits.js'

function worldWith(limits: Partial<SessionLimits>, more: Partial<QueueOptions> = {}) {
  const options = { limits: { ...UNLIMITED, ...limits } }
  const world = new QueueWorld({ max: [100], options, ...more })
  return { world, worker: world.worker(), counters: world.cells.child(0).counters }
}

/** How a client's socket has ended: `end`, `reset`, or '' if it is open. */
function endOf(socket: ReturnType<QueueWorld['workers'][number]['connect']>): string {
  if (!socket.isClosed) return ''
  return socket.willResetOnClose ? 'reset' : 'end'
}

test('first byte timeout closes a silent client, not one that has spoken', () => {
  const { counters, world, worker } = worldWith({ firstByteTimeoutMs: 1_000 })
  const [silent, early, late] = [worker.connect(), worker.connect('tcp', 'x'), worker.connect()]
  world.pass(900)
  late.arrive(Buffer.from('y'))
  world.pass(200)
  assert.deepEqual([silent, early, late].map(endOf), ['end', '', ''])
  assert.equal(world.ended[0]?.reason, 'first-byte-timeout')
  assert.equal(counters[COUNT.firstByteTimeouts], 1)
  world.pass(10_000)
  assert.equal(world.ended.length, 1)
})

test('first byte timeout counts from the connection to the remote', () => {
  const { world, worker } = worldWith({ firstByteTimeoutMs: 1_000 })
  world.isSilent = true
  worker.connect()
  world.pass(1_500)
  worker.answer(world.connections[0]?.socket)
  world.pass(900)
  assert.equal(world.ended.length, 0)
  world.pass(200)
  assert.equal(world.ended[0]?.reason, 'first-byte-timeout')
})

test('max lifetime ends an idle session in order, and a busy one as soon as it is idle', () => {
  const { counters, world, worker } = worldWith({ maxLifetimeMs: 2_000 })
  const [idle, busy] = [worker.connect(), worker.connect()]
  for (let i = 0; i < 30; i++) {
    world.pass(100)
    busy.arrive(Buffer.from('x'))
  }
  assert.deepEqual([idle, busy].map(endOf), ['end', ''])
  world.pass(700)
  assert.deepEqual([idle, busy].map(endOf), ['end', 'end'])
  assert.deepEqual(
    world.ended.map(({ reason }) => reason),
    ['max-lifetime', 'max-lifetime'],
  )
  assert.equal(counters[COUNT.lifetimesEnded], 2)
})

test('a session that is still busy five seconds after its lifetime is reset', () => {
  const { world, worker } = worldWith({ maxLifetimeMs: 1_000 })
  const client = worker.connect()
  for (let i = 0; i < 58; i++) {
    world.pass(100)
    client.arrive(Buffer.from('x'))
  }
  assert.equal(endOf(client), '')
  for (let i = 0; i < 4; i++) {
    world.pass(100)
    client.arrive(Buffer.from('x'))
  }
  assert.equal(endOf(client), 'reset')
  assert.equal(world.ended[0]?.reason, 'max-lifetime')
})

test('a client that has no remote by the end of its lifetime is disconnected: while it waits, and while it is dialled', () => {
  const { world, worker } = worldWith({ maxLifetimeMs: 500 }, { max: [1] })
  const holder = worker.connect('tcp', 'x')
  const waiting = worker.connect()
  world.isSilent = true
  world.pass(400)
  holder.arrive(Buffer.from('x'))
  world.pass(200)
  assert.deepEqual([worker.phases, endOf(waiting)], [['relaying'], 'end'])
  worker.leave(holder)
  const dialled = worker.connect()
  assert.deepEqual(worker.phases, ['dialling'])
  world.pass(600)
  assert.equal(endOf(dialled), 'end')
  assert.deepEqual(
    world.ended.map(({ reason, remote }) => [reason, remote]),
    [
      ['max-lifetime', ''],
      ['client-reset', 'remote 0'],
      ['max-lifetime', ''],
    ],
  )
})

test('jitter spreads the ends of sessions that have begun together', () => {
  const { world, worker } = worldWith({ maxLifetimeMs: 1_000, lifetimeJitter: 0.5 })
  for (let i = 0; i < 10; i++) worker.connect()
  const left: number[] = []
  for (let i = 0; i < 6; i++) {
    world.pass(i === 0 ? 500 : 100)
    left.push(worker.relay.openCount)
  }
  assert.equal(left[0], 10)
  assert.equal(left[5], 0)
  for (const i of [1, 2, 3, 4]) assert.ok((left[i - 1] ?? 0) > (left[i] ?? 0), left.join())
})

test('min rate resets a session whose client takes nothing, and says how much it took', () => {
  const { counters, world, worker } = worldWith(
    { minBytesPerS: 1_000, minRateWindowMs: 2_000 },
    { sendCapacity: 5_000 },
  )
  const client = worker.connect('tcp', 'x')
  const stuck = new Set([client])
  const carry = client.carry.bind(client)
  client.carry = (most) => (stuck.has(client) ? undefined : carry(most))
  world.connections[0]?.socket.arrive(Buffer.alloc(50_000))
  world.pass(1_900)
  assert.equal(worker.relay.openCount, 1)
  world.pass(200)
  assert.equal(endOf(client), 'reset')
  assert.deepEqual(
    world.ended.map(({ reason, cause }) => [reason, cause]),
    [['min-rate', 'the client took 0 bytes/s']],
  )
  assert.equal(counters[COUNT.tooSlow], 1)
})

test('min rate does not end a session whose client takes enough, or for which nothing waits', () => {
  const { world, worker } = worldWith(
    { minBytesPerS: 1_000, minRateWindowMs: 2_000 },
    { sendCapacity: 5_000 },
  )
  const client = worker.connect('tcp', 'x')
  const carry = client.carry.bind(client)
  client.carry = () => {}
  world.connections[0]?.socket.arrive(Buffer.alloc(30_000))
  for (let i = 0; i < 20; i++) {
    world.pass(500)
    carry(1_000)
  }
  assert.equal(worker.relay.openCount, 1)
  client.carry = carry
  world.pass(5_000)
  assert.equal(worker.relay.openCount, 1)
})

test('several limits hold at the same time', () => {
  const { world, worker } = worldWith({ maxLifetimeMs: 1_000, firstByteTimeoutMs: 300 })
  worker.connect()
  world.pass(400)
  worker.connect('tcp', 'x')
  world.pass(1_100)
  assert.deepEqual(
    world.ended.map(({ reason }) => reason),
    ['first-byte-timeout', 'max-lifetime'],
  )
})
