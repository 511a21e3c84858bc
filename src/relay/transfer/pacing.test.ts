import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QueueWorld } from '../../../test/support/queue-world.js'
import { type SessionLimits, UNLIMITED } from '../session-limits.js'
import { SPLICE_POLICIES, type SpliceMode } from './splice-policies.js'

const RATE = 10_000
const SOME = 'x'.repeat(60_000)

function worldWith(limits: Partial<SessionLimits>, splice: SpliceMode = 'no', sendCapacity = 65_536) {
  const options = { limits: { ...UNLIMITED, ...limits }, splice: SPLICE_POLICIES[splice] }
  const world = new QueueWorld({ max: [100], options, sendCapacity })
  return { world, worker: world.worker() }
}

for (const splice of ['no', 'yes'] as const) {
  test(`splice = ${splice}: bytes in limits what remotes get, evenly and to the last byte`, () => {
    const { world, worker } = worldWith({ bytesInPerS: RATE }, splice)
    const client = worker.connect('tcp', SOME)
    const [connection] = world.connections
    assert.ok(connection)
    let before = connection.text.length
    for (let tenths = 1; tenths <= 50; tenths++) {
      world.pass(100)
      const step = connection.text.length - before
      before = connection.text.length
      assert.ok(step >= RATE * 0.05 && step <= RATE * 0.25, `${step} bytes in a tenth of a second`)
      const error = before / (RATE * (tenths / 10)) - 1
      if (tenths >= 20) assert.ok(Math.abs(error) < 0.1, `${before} bytes after ${tenths} tenths`)
    }
    client.arriveEnd()
    world.pass(2_000)
    assert.equal(connection.text, SOME)
    assert.equal(connection.socket.isShut, true, 'the end follows')
  })
}

test('bytes out limits what clients get, and the other direction is not limited', () => {
  const { world, worker } = worldWith({ bytesOutPerS: RATE })
  let got = 0
  const client = worker.connect('tcp', SOME)
  const onBytes = (bytes: Uint8Array) => {
    got += bytes.length
  }
  client.peer = { onBytes, onEnd: () => {}, onReset: () => {} }
  world.connections[0]?.socket.arrive(Buffer.from(SOME))
  world.pass(1_000)
  assert.equal(world.connections[0]?.text, SOME)
  assert.ok(Math.abs(got / RATE - 1) <= 0.2, `${got} bytes in a second`)
})

test('nothing is read from a client that sends too much', () => {
  const { world, worker } = worldWith({ bytesInPerS: RATE })
  const client = worker.connect('tcp')
  client.arrive(Buffer.from(SOME))
  world.pass(1_000)
  assert.ok(client.received.length > SOME.length - 1.3 * RATE, `${client.received.length} bytes are left`)
  assert.equal(worker.relay.openSessions[0]?.toRemote.waitingBytes, 0)
})

test('a session below its rate is not delayed', () => {
  const { world, worker } = worldWith({ bytesInPerS: RATE })
  const client = worker.connect('tcp')
  let sent = 0
  for (let i = 0; i < 50; i++) {
    client.arrive(Buffer.from('y'.repeat(400)))
    sent += 400
    worker.turn()
    assert.equal(world.connections[0]?.text.length, sent)
    world.pass(50)
  }
})

test('bytes that a full sink has refused are delivered once', () => {
  const { world, worker } = worldWith({ bytesInPerS: 100 * RATE }, 'no', 3_000)
  worker.connect('tcp', SOME)
  world.pass(200)
  assert.equal(world.connections[0]?.text, SOME)
})

test('a reset is passed on after the last byte, at the rate', () => {
  const { world, worker } = worldWith({ bytesInPerS: RATE })
  const client = worker.connect('tcp', SOME)
  world.pass(100)
  worker.leave(client)
  world.pass(4_000)
  assert.equal(worker.relay.openCount, 1)
  world.pass(2_200)
  assert.deepEqual([world.connections[0]?.text, world.ended[0]?.reason], [SOME, 'client-reset'])
})

test('a sleeping direction is not idle', () => {
  const options = { limits: { ...UNLIMITED, bytesInPerS: 1_000 }, idleTimeoutMs: 50 }
  const world = new QueueWorld({ max: [1], options })
  world.worker().connect('tcp', 'x'.repeat(1_500))
  world.pass(1_600)
  assert.equal(world.connections[0]?.text.length, 1_500)
  world.pass(60)
  assert.equal(world.ended[0]?.reason, 'idle-timeout')
})

test('a session that ends asleep leaves no timer, and its record serves another one', () => {
  const { world, worker } = worldWith({ bytesInPerS: 1_000, maxLifetimeMs: 1_000, minBytesPerS: 1 })
  for (const bytes of [SOME, 'short']) {
    worker.connect('tcp', bytes)
    world.pass(50)
    worker.relay.cutAll('shutdown')
    assert.equal(worker.loop.timers.count, 0)
  }
  assert.equal(world.connections[1]?.text, 'short')
})

test('a frozen session keeps its rate', () => {
  const { world, worker } = worldWith({ bytesInPerS: RATE })
  worker.connect('tcp', SOME)
  world.pass(1_000)
  const [session] = worker.relay.openSessions
  assert.ok(session)
  const frozen = worker.relay.freeze(session)
  assert.ok(frozen !== 'later')
  assert.equal(worker.loop.timers.count, 0)
  worker.relay.thaw(frozen)
  world.pass(1_000)
  const { length = 0 } = world.connections[0]?.text ?? {}
  assert.ok(Math.abs(length / (2 * RATE) - 1) < 0.15, `${length} bytes in two seconds`)
})
