import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type QueueOptions, QueueWorld } from '../../../test/support/queue-world.js'
import { readProxy } from '../../../test/support/read-proxy.js'
import { ECONNRESET } from '../../kernel/errno.js'
import { PLAIN_REMOTE, type SendProxy } from '../remote-options.js'

const V1: SendProxy = { version: 'v1', tlvs: [] }

function worldWith(sendProxy: SendProxy, more: Partial<QueueOptions> = {}) {
  const world = new QueueWorld({
    max: [1_000],
    remote: { options: { ...PLAIN_REMOTE, sendProxy } },
    ...more,
  })
  const worker = world.worker()
  const sends: number[] = []
  const { calls } = worker.parts.system
  const { send } = calls
  calls.send = (fd, from, offset, byteCount) => {
    const took = send.call(calls, fd, from, offset, byteCount)
    sends.push(took)
    return took
  }
  return { world, worker, sends, texts: () => world.connections.map(({ text }) => text) }
}

// The fake kernel knows one local address.
const LINE = 'PROXY TCP4 10.0.0.1 10.0.0.1 5000 80\r\n'

test('the header and the first bytes of the client leave together', () => {
  const { sends, texts, world, worker } = worldWith(V1)
  const client = worker.connect('tcp', 'hello')
  assert.deepEqual(texts(), [`${LINE}hello`])
  assert.deepEqual(sends, [LINE.length + 5])
  client.arrive(Buffer.from(' again'))
  worker.turn()
  assert.deepEqual(texts(), [`${LINE}hello again`])
  worker.leave(client)
  assert.equal(world.ended[0]?.bytesToRemote, 11, 'the header is not counted')
})

test('without bytes of the client the header leaves at once', () => {
  const { texts, world, worker } = worldWith(V1)
  const client = worker.connect()
  assert.deepEqual([texts(), worker.phases], [[LINE], ['relaying']])
  worker.leave(client)
  assert.equal(world.ended[0]?.bytesToRemote, 0)
})

test('a socket that takes few bytes at a time gets the whole header before the first byte of the client', () => {
  for (const sendCapacity of [1, 7, LINE.length - 1, LINE.length, LINE.length + 2]) {
    const { texts, world, worker } = worldWith(V1, { sendCapacity })
    const client = worker.connect('tcp', 'hello')
    for (let turns = 0; turns < 50; turns++) worker.turn()
    assert.deepEqual([texts(), worker.phases], [[`${LINE}hello`], ['relaying']], `${sendCapacity} bytes`)
    worker.leave(client)
    assert.equal(world.ended[0]?.bytesToRemote, 5)
  }
})

test('a remote that fails before it has the header is followed by another one, which gets it anew', () => {
  const { texts, world, worker } = worldWith(V1, { max: [1_000, 1_000], sendCapacity: 10 })
  world.isSilent = true
  worker.connect('tcp', 'hello')
  const first = world.connections[0]?.socket
  assert.ok(first)
  first.arriveConnected()
  worker.loop.turn(0)
  assert.deepEqual(worker.phases, ['dialling'], 'the socket is full')
  first.arriveReset(ECONNRESET)
  worker.loop.turn(0)
  world.connections[1]?.socket.arriveConnected()
  for (let turns = 0; turns < 20; turns++) worker.turn()
  assert.equal(texts()[1], `${LINE}hello`)
  assert.deepEqual(worker.phases, ['relaying'])
})

test('a remote that never takes the whole header times out', () => {
  const { world, worker } = worldWith(V1, { sendCapacity: 10, options: { connectTimeoutMs: 500 } })
  world.isSilent = true
  worker.connect()
  world.connections[0]?.socket.arriveConnected()
  worker.loop.turn(0)
  worker.kernel.nowMs += 501
  worker.loop.turn(0)
  assert.deepEqual(
    world.ended.map(({ reason }) => reason),
    ['no-remote'],
  )
})

test('of several addresses only the one that serves gets a header', () => {
  const { texts, world, worker } = worldWith(V1, { addresses: 3 })
  world.isSilent = true
  worker.connect('tcp', 'hello')
  world.pass(251)
  worker.answer(world.connections[1]?.socket)
  assert.deepEqual(texts(), ['', `${LINE}hello`])
})

test('what a remote says before it resets its connection reaches the client without a header', () => {
  const { world, worker } = worldWith(V1)
  world.isSilent = true
  const client = worker.connect()
  let got = ''
  client.peer = {
    onBytes: (bytes) => {
      got += Buffer.from(bytes).toString()
    },
    onEnd: () => {},
    onReset: () => {},
  }
  const socket = world.connections[0]?.socket
  assert.ok(socket)
  socket.arriveConnected()
  socket.arrive(Buffer.from('go away'))
  socket.arriveReset()
  worker.turn()
  assert.equal(got, 'go away')
})

test('a header of version 2 has the id of the session', () => {
  const { texts, world, worker } = worldWith({ version: 'v2', tlvs: ['unique-id', 'ssl'] })
  const client = worker.connect('unix')
  assert.ok(texts()[0]?.startsWith('\r\n\r\n\0\r\nQUIT\n'))
  worker.leave(client)
  assert.ok(texts()[0]?.includes(String(world.ended[0]?.id)))
})

test('a client of a Unix socket at version 1 is unknown', () => {
  const { texts, worker } = worldWith(V1)
  worker.connect('unix', 'hello')
  assert.deepEqual(texts(), ['PROXY UNKNOWN\r\nhello'])
  assert.equal(readProxy(Buffer.from(texts()[0] ?? '')).protocol, 'UNKNOWN')
})
