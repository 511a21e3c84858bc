import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { FakeSocket } from '../../test/simulation/fake-socket.js'
import { anySeed } from '../../test/support/chi-square.js'
import { QueueWorld } from '../../test/support/queue-world.js'
import { simulated } from '../../test/support/run-simulation.js'
import { traceOf } from '../../test/support/simulation-plan.js'
import { QUEUE_FULL, QUEUE_TIMEOUT } from './decision.js'

/** Times of clients are multiples of this, so that timeouts, which are not, do not coincide with them. */
const STEP_MS = 10

interface Client {
  /** In steps. */
  readonly at: number
  readonly length: number
}

interface Limits {
  readonly max: readonly number[]
  readonly size: number
  readonly timeoutMs: number
}

const ENDS: Readonly<Record<number, string>> = {
  [QUEUE_FULL]: 'queue-full',
  [QUEUE_TIMEOUT]: 'queue-timeout',
}

/** For each client the step in which it was served, or why it was not. */
function bySimulation(clients: readonly Client[], { max, size, timeoutMs }: Limits) {
  const remotes = max.map((most, i) => `remote { name = r${i} 10.0.0.1:${i + 1} max connections = ${most} }`)
  const text = `id = spawnd { listen { port = 80 } } id = tcprelay {
    dial retries = 0 queue = { size = ${size} timeout = ${timeoutMs}ms } ${remotes.join(' ')} }`
  const second = STEP_MS / 1_000
  const lines = clients.map(({ at, length }) => ({ at: at * second, seconds: length * second }))
  const { decisions, waitedMs } = simulated(text, traceOf(lines).trace)
  return clients.map(({ at }, i) => {
    const decision = decisions[i] ?? 0
    return decision >= 0 ? at + (waitedMs[i] ?? 0) / STEP_MS : ENDS[decision]
  })
}

function byRelay(clients: readonly Client[], { max, size, timeoutMs }: Limits) {
  const world = new QueueWorld({ max, queueSize: size, options: { queueTimeoutMs: timeoutMs } })
  const worker = world.worker()
  const found: (number | string | undefined)[] = clients.map(() => undefined)
  const arrivals = clients.map((client, index) => ({ ...client, index }))
  const sessions: { readonly socket: FakeSocket; readonly endAt: number }[] = []
  const sockets: FakeSocket[] = []
  const order: number[] = []
  let seen = 0
  const note = (step: number) => {
    for (; seen < world.connections.length; seen++) {
      const index = Number(world.connections[seen]?.text)
      const socket = sockets[order.indexOf(index)]
      assert.ok(socket !== undefined, 'a connection to a remote has the bytes of its client')
      found[index] = step
      sessions.push({ socket, endAt: step + (clients[index]?.length ?? 0) })
    }
  }
  const lastStep = clients.reduce(
    (sum, { length }) => sum + length,
    Math.max(0, ...clients.map(({ at }) => at)),
  )
  for (let step = 0; step <= lastStep && found.includes(undefined); step++) {
    for (const { socket } of sessions.filter(({ endAt }) => endAt === step)) {
      worker.leave(socket)
      note(step)
    }
    for (const { index } of arrivals.filter(({ at }) => at === step)) {
      order.push(index)
      sockets.push(worker.connect('tcp', String(index)))
      // Its socket is known when the client is served at once.
      note(step)
    }
    world.pass(STEP_MS)
    for (const { client, reason } of world.ended) {
      const index = order[Number(client.split(':').at(-1)) - 5_000] as number
      found[index] ??= reason
    }
  }
  return found
}

test('clients are served, wait and are refused as those of the relay', (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  const client = fc.record({ at: fc.nat({ max: 20 }), length: fc.integer({ min: 1, max: 10 }) })
  const limits = fc.record({
    max: fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 1, maxLength: 2 }),
    size: fc.nat({ max: 6 }),
    timeoutMs: fc.integer({ min: 0, max: 12 }).map((steps) => steps * STEP_MS + 5),
  })
  fc.assert(
    fc.property(fc.array(client, { minLength: 1, maxLength: 20 }), limits, (clients, limits) => {
      assert.deepEqual(bySimulation(clients, limits), byRelay(clients, limits))
    }),
    { seed, numRuns: 40 },
  )
})
