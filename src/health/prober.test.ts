import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { rawPeers } from '../../test/harness/peers.js'
import { until } from '../../test/harness/until.js'
import { serverThat } from '../../test/support/checked.js'
import type { SocketAddress } from '../base/address.js'
import { Boundary } from '../observe/boundary.js'
import type { ProbedRemote, ProbePlan, ProbeResult } from './probe-plan.js'
import { type Pace, Prober } from './prober.js'

const PLAN: ProbePlan = {
  check: { type: 'tcp' },
  intervalMs: 20,
  fastIntervalMs: 20,
  downIntervalMs: 20,
  jitter: 0,
  timeoutMs: 5_000,
  rise: 1,
  fall: 1,
  sendProxy: undefined,
  address: undefined,
  port: undefined,
}

interface Seen extends ProbeResult {
  readonly name: string
}

function proberFor(t: TestContext, pace: Pace = 'up') {
  const results: Seen[] = []
  /** For how long the process has stood still; for the share of `random`. */
  const world = { stoodStillMs: 0, random: () => 0.5 }
  const prober = new Prober({
    nowMs: () => performance.now() + world.stoodStillMs,
    random: () => world.random(),
    onResult: ({ name }, result) => {
      results.push({ name, ...result })
      return pace
    },
    boundary: new Boundary(
      () => {},
      () => performance.now(),
    ),
  })
  t.after(() => prober.close())
  return { prober, results, world, of: (name: string) => results.filter((result) => result.name === name) }
}

async function serverFor(t: TestContext): Promise<{ server: Server; address: SocketAddress }> {
  const server = createServer((socket) => socket.on('error', () => {}).resume())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => void server.close())
  const place = server.address()
  if (place === null || typeof place === 'string') throw new Error('the server has no port')
  return { server, address: { family: 'ipv4', host: '127.0.0.1', port: place.port } }
}

function remoteAt(
  name: string,
  address: SocketAddress | undefined,
  plan: Partial<ProbePlan> = {},
): ProbedRemote {
  return { name, plan: { ...PLAN, ...plan }, addresses: () => (address === undefined ? [] : [address]) }
}

test('remotes are checked again and again, each by itself', async (t) => {
  const { prober, of } = proberFor(t)
  const { address, server } = await serverFor(t)
  const gone = await serverFor(t)
  gone.server.close()
  prober.watch([remoteAt('good', address), remoteAt('bad', gone.address), remoteAt('unnamed', undefined)])
  await until('three checks of both', () => of('good').length >= 3 && of('bad').length >= 3)
  assert.deepEqual(new Set(of('good').map(({ isUp, text }) => `${isUp} ${text}`)), new Set(['true ']))
  assert.deepEqual(
    new Set(of('bad').map(({ isUp, text }) => `${isUp} ${text}`)),
    new Set(['false connection refused']),
  )
  assert.deepEqual(of('unnamed'), [], 'nothing is said of a remote without an address')
  server.close()
})

test('a check ends at its time limit', async (t) => {
  const peers = rawPeers(t)
  if (!peers) return
  const { prober, results } = proberFor(t)
  const { port } = await peers.blackhole()
  prober.watch([remoteAt('slow', { family: 'ipv4', host: '127.0.0.1', port }, { timeoutMs: 30 })])
  await until('a check', () => results.length > 0)
  assert.equal(results[0]?.text, 'no connection within 0.03 s')
})

test('a remote that is no longer watched is not checked, and one with the same plan goes on', async (t) => {
  const { prober, of } = proberFor(t)
  const { address } = await serverFor(t)
  prober.watch([remoteAt('a', address), remoteAt('b', address, { intervalMs: 3_600_000 })])
  await until('both are checked', () => of('a').length > 0 && of('b').length > 0)
  prober.watch([remoteAt('b', address, { intervalMs: 3_600_000 })])
  const before = of('a').length
  prober.watch([remoteAt('b', address, { intervalMs: 3_600_000 }), remoteAt('c', address)])
  await until('the third is checked', () => of('c').length > 2)
  assert.equal(of('a').length, before)
  assert.equal(of('b').length, 1, 'its next check is in an hour')
})

test('evidence of a failure brings the next check forward', async (t) => {
  const { prober, of } = proberFor(t)
  const { address } = await serverFor(t)
  const plan = { intervalMs: 3_600_000, fastIntervalMs: 10 }
  prober.watch([remoteAt('a', address, plan), remoteAt('b', address, plan)])
  await until('both are checked', () => of('a').length > 0 && of('b').length > 0)
  prober.checkSoon('a')
  await until('a is checked again', () => of('a').length > 1)
  assert.equal(of('b').length, 1)
})

test('a check during which the process stood still is repeated', async (t) => {
  const { of, prober, world } = proberFor(t)
  const sockets: Socket[] = []
  const address = await serverThat(t, (socket) => sockets.push(socket))
  const sought = { kind: 'bytes', source: 'hi', shown: '"hi"' } as const
  const check = { type: 'expect', steps: [{ kind: 'expect', sought }] } as const
  prober.watch([remoteAt('a', address, { check, timeoutMs: 60_000 })])
  const connection = (nth: number) => until(`connection ${nth}`, () => sockets[nth - 1])
  // Its server gives up, and so would the time limit.
  const first = await connection(1)
  world.stoodStillMs += 10_000
  first.destroy()
  const second = await connection(2)
  assert.deepEqual(of('a'), [])
  second.write('hi')
  await until('its result', () => of('a').length === 1)
  // The same with the time limit, and with a check that succeeded.
  await connection(3)
  world.stoodStillMs += 70_000
  ;(await connection(4)).write('hi')
  await until('its result', () => of('a').length === 2)
  const fifth = await connection(5)
  world.stoodStillMs += 10_000
  fifth.write('hi')
  // Twice in a row: the result counts, or a remote would never be down on a machine that always stands still.
  const sixth = await connection(6)
  world.stoodStillMs += 10_000
  sixth.destroy()
  await until('its result', () => of('a').length === 3)
  assert.deepEqual(
    of('a').map(({ isUp }) => isUp),
    [true, true, false],
  )
})

test('a check that is due when the process goes on is put off by a random part of the interval', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { prober, world } = proberFor(t)
  const asked = new Set<number>()
  const remotes = Array.from({ length: 100 }, (_, i) => ({
    ...remoteAt(`r${i}`, undefined, { fastIntervalMs: 1_000, intervalMs: 1_000 }),
    addresses: () => {
      asked.add(i)
      return []
    },
  }))
  prober.watch(remotes)
  world.random = () => 0.9
  world.stoodStillMs += 10_000
  t.mock.timers.tick(1_000)
  assert.ok(asked.size <= 11, `${asked.size} of 100`)
  t.mock.timers.tick(900)
  assert.equal(asked.size, 100)
})

test('the first checks of many remotes are spread', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { prober } = proberFor(t)
  let asked = 0
  const remotes = Array.from({ length: 100 }, (_, i) => ({
    ...remoteAt(`r${i}`, undefined, { fastIntervalMs: 1_000, intervalMs: 1_000 }),
    addresses: () => {
      asked++
      return []
    },
  }))
  prober.watch(remotes)
  for (let tenth = 1; tenth <= 10; tenth++) {
    t.mock.timers.tick(100)
    assert.ok(Math.abs(asked - tenth * 10) <= 1, `${asked} checks after ${tenth * 100} ms`)
  }
})
