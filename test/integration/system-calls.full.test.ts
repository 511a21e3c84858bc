import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from '../harness/client.js'
import { needs } from '../harness/needs.js'
import { type Relay, relayTo } from '../harness/relay.js'
import { type Behaviour, remoteThat } from '../harness/remote.js'
import { type CallTrace, reactorThreadOf, traceCalls } from '../harness/strace.js'

const REQUEST = 'request of a client\n'.repeat(5)
const REPLY = 'reply of the server\n'.repeat(8)

const CROWD = 64

/** The compiler maps memory and wakes its threads until all code has run often enough. */
const WARM_UP_EXCHANGES = 3_000
const WARM_UP_CONNECTIONS = 2_000

/** The calls that the thread was in when strace attached and detached. */
const EDGE_CALLS = 2

/** Calls of the runtime itself: collecting the garbage of the start, recompiling. */
const CALLS_OF_THE_RUNTIME = ['futex', 'getpid', 'madvise', 'mmap', 'mprotect', 'munmap']

/** SO_KEEPALIVE of either side, and what the runtime reads of the machine now and then: once, not per event. */
const STRAY_CALLS = 10

/** Answers each request, and closes with its client. */
const replies: Behaviour = (socket) => {
  socket.on('data', () => socket.write(REPLY)).on('end', () => socket.end())
}

/** Answers the first request and closes, as a web server does with `Connection: close`. */
const repliesOnce: Behaviour = (socket) => void socket.on('data', () => socket.end(REPLY))

async function exchange(client: Client, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await client.send(REQUEST)
    await client.read(REPLY.length)
  }
}

async function crowd(relay: Relay, exchanges: number): Promise<Client[]> {
  const clients = await Promise.all(Array.from({ length: CROWD }, () => relay.connect()))
  await Promise.all(clients.map((client) => exchange(client, exchanges)))
  return clients
}

/** Connects, sends a request, and closes after the server; repeatedly, `atOnce` connections in parallel. */
async function visit(t: TestContext, relay: Relay, visits: number, atOnce: number): Promise<void> {
  let left = visits
  const visitor = async () => {
    for (; left > 0; ) {
      left--
      const client = await Client.connect(t, { port: relay.port() })
      await client.send(REQUEST)
      assert.equal(await client.readToEnd(), REPLY)
      await client.close()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, visitor))
  await relay.isIdle()
}

function described(trace: CallTrace, per: number, what: string): string {
  const each = Object.entries(trace.counts).map(([name, count]) => `${name} ${(count / per).toFixed(3)}`)
  return `${(trace.total / per).toFixed(3)} system calls per ${what}: ${each.join(', ')}`
}

test('a request and its reply on one connection take six system calls', async (t) => {
  if (!needs(t, 'strace')) return
  const times = 1_000
  const relay = await relayTo(await remoteThat(replies).start(t)).start(t)
  const client = await relay.connect()
  await exchange(client, WARM_UP_EXCHANGES)
  const trace = await traceCalls(t, reactorThreadOf(relay.pid), () => exchange(client, times))
  t.diagnostic(described(trace, times, 'request and reply'))
  assert.ok(trace.total >= 6 * times, 'every call was seen')
  const ours = trace.total - CALLS_OF_THE_RUNTIME.reduce((sum, name) => sum + (trace.counts[name] ?? 0), 0)
  assert.ok(ours <= 6 * times + EDGE_CALLS + STRAY_CALLS, described(trace, times, 'request and reply'))
  const { epoll_wait: waits = 0, recvfrom = 0, sendto = 0 } = trace.counts
  assert.deepEqual([recvfrom, sendto], [2 * times, 2 * times])
  assert.ok(waits <= 2 * times + EDGE_CALLS, `${waits} waits`)
})

test('a request and its reply on 64 connections take four and a half system calls', async (t) => {
  if (!needs(t, 'strace')) return
  const each = 60
  const relay = await relayTo(await remoteThat(replies).start(t)).start(t)
  const clients = await crowd(relay, WARM_UP_EXCHANGES / CROWD)
  const trace = await traceCalls(t, reactorThreadOf(relay.pid), async () => {
    await Promise.all(clients.map((client) => exchange(client, each)))
  })
  const text = described(trace, CROWD * each, 'request and reply')
  t.diagnostic(text)
  assert.ok(trace.total >= 4 * CROWD * each, 'every call was seen')
  assert.ok(trace.total <= 4.5 * CROWD * each, text)
})

test('a whole connection takes eighteen system calls at most, with 64 at a time', async (t) => {
  if (!needs(t, 'strace')) return
  const visits = 1_000
  const relay = await relayTo(await remoteThat(repliesOnce).start(t)).start(t)
  await visit(t, relay, WARM_UP_CONNECTIONS, CROWD)
  const trace = await traceCalls(t, reactorThreadOf(relay.pid), () => visit(t, relay, visits, CROWD))
  const text = described(trace, visits, 'connection')
  t.diagnostic(text)
  assert.ok(trace.total >= 12 * visits, 'every call was seen')
  assert.ok(trace.total <= 18 * visits, text)
})

test("a remote's socket gets TCP_NODELAY with the second send and keepalive after a second", async (t) => {
  if (!needs(t, 'strace')) return
  const relay = await relayTo(await remoteThat(replies).start(t)).start(t)
  const options = (trace: CallTrace) =>
    trace.matching(/^setsockopt\(/).map((line) => /\w+_\w+, (\w+)/.exec(line)?.[1])
  const thread = reactorThreadOf(relay.pid)
  let client: Client | undefined
  const first = await traceCalls(t, thread, async () => {
    client = await relay.connect()
    await exchange(client, 1)
  })
  assert.deepEqual(
    options(first).filter((name) => name === 'TCP_NODELAY'),
    [],
  )
  const second = await traceCalls(t, thread, async () => {
    if (client !== undefined) await exchange(client, 1)
  })
  // Keepalive of either socket may come first.
  assert.equal(
    options(second).find((name) => name !== 'SO_KEEPALIVE'),
    'TCP_NODELAY',
  )
  const third = await traceCalls(t, thread, async () => {
    if (client !== undefined) await exchange(client, 100)
  })
  assert.deepEqual(
    options(third).filter((name) => name === 'TCP_NODELAY'),
    [],
    'once is enough',
  )
})
