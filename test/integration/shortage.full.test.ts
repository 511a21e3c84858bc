import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Client } from '../harness/client.js'
import { leaveDescriptors, setDescriptorLimit } from '../harness/descriptor-limit.js'
import { needs } from '../harness/needs.js'
import { waitsWithoutCpu } from '../harness/proc.js'
import { type Relay, relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

/** How long an idle relay is watched. */
const WATCH_MS = 1_000

/** A stream of this length takes a while on any machine. */
const STREAM_BYTES = 200_000_000
const STREAM_MAX_MS = 60_000
const BLOCKS_UNDER_WAY = 8

/** Bytes of the stream during 50 exchanges: usually 4 to 10 MB. The limit of one run is in pump.test.ts. */
const PASSED_BYTES_MAX = 50_000_000

test('more clients than descriptors wait, and all are served in the end', async (t) => {
  if (!needs(t, 'prlimit')) return
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote)
    .running({ under: ['prlimit', '--nofile=80'] })
    .start(t)
  const clients = await Promise.all(Array.from({ length: 60 }, () => relay.connect()))
  await Promise.all(clients.map((client, i) => client.send(`client ${i}`)))
  await relay.logged(/limit of \d+ concurrent users reached, queueing new connections/)
  await isQuiet(relay)
  await Promise.all(clients.map((client, i) => servedThenGone(client, `client ${i}`)))
  await relay.logged(/resuming normal operation/)
  // A freed place that a waiting client takes at once is not logged.
  assert.equal(relay.program.stderr.matching(/queueing new connections/).length, 1)
  assert.equal(relay.program.stderr.matching(/resuming normal operation/).length, 1)
})

test('running out of descriptors causes a pause and one log line, not a busy loop', async (t) => {
  if (!needs(t, 'prlimit')) return
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).start(t)
  const first = await relay.connect()
  await first.exchange('hello')
  leaveDescriptors(relay.pid, 0)
  const clients = await Promise.all(Array.from({ length: 10 }, () => relay.connect()))
  await relay.logged(/cannot accept: too many open files; new connections wait/)
  await isQuiet(relay)
  assert.equal(await first.exchange('still served'), 'still served')
  assert.equal(relay.program.stderr.matching(/cannot accept/).length, 1)
  setDescriptorLimit(relay.pid, 1_000)
  await Promise.all(clients.map((client) => client.exchange('at last')))
  assert.equal(relay.program.stderr.matching(/is down/).length, 0)
})

test('a descriptor too few for a remote does not count as failure of the remote', async (t) => {
  if (!needs(t, 'prlimit')) return
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).start(t)
  // It needs descriptors until it serves.
  const first = await relay.connect()
  await first.exchange('hello')
  await first.close()
  await relay.isIdle()
  leaveDescriptors(relay.pid, 1)
  const client = await relay.connect()
  await client.send('patience')
  await until('the client to be accepted', () => relay.socketCount === 1)
  await isQuiet(relay)
  setDescriptorLimit(relay.pid, 1_000)
  assert.equal(await client.read(8), 'patience')
  assert.equal(relay.program.stderr.matching(/is down/).length, 0)
})

test('one fast stream does not starve 50 others', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).start(t)
  const stream = pour(await relay.connect())
  const clients = await Promise.all(Array.from({ length: 50 }, () => relay.connect()))
  const giveUpAt = performance.now() + STREAM_MAX_MS
  // The first round is for the programs to warm up.
  await Promise.all(clients.map((client) => client.exchange('x')))
  for (let rounds = 0; rounds < 5 || stream.received() < STREAM_BYTES; rounds++) {
    assert.ok(performance.now() < giveUpAt, `the stream has brought ${stream.received()} bytes only`)
    const before = stream.received()
    await Promise.all(clients.map((client) => client.exchange('x')))
    const passed = stream.received() - before
    assert.ok(passed < PASSED_BYTES_MAX, `${passed} bytes of the stream went before 50 small exchanges`)
  }
  await stream.stop()
})

/** Sends and receives as fast as possible. */
function pour(client: Client): { received(): number; stop(): Promise<void> } {
  const block = Buffer.alloc(256 * 1024, 'b')
  let received = 0
  let isStopped = false
  client.socket.removeAllListeners('data').on('data', ({ length }) => {
    received += length
  })
  const pourOn = () => void (isStopped || client.socket.destroyed || client.socket.write(block, pourOn))
  for (let i = 0; i < BLOCKS_UNDER_WAY; i++) pourOn()
  return {
    received: () => received,
    async stop() {
      isStopped = true
      await client.endWriting()
      assert.equal(await client.ending(), 'end')
    },
  }
}

async function servedThenGone(client: Client, text: string): Promise<void> {
  assert.equal(await client.read(text.length), text)
  await client.endWriting()
  assert.equal(await client.readToEnd(), '')
  await client.close()
}

/** Checks that the relay uses next to no CPU time while it is watched. */
async function isQuiet(relay: Relay): Promise<void> {
  await waitsWithoutCpu(relay.pid, () => setTimeout(WATCH_MS))
}
