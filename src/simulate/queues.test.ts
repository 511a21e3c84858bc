import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anySeed } from '../../test/support/chi-square.js'
import { onlyPool, run, simulated, type Wish } from '../../test/support/run-simulation.js'
import { type Line, traceOf } from '../../test/support/simulation-plan.js'
import { NO_REMOTE, QUEUE_FULL, QUEUE_TIMEOUT } from './decision.js'
import { reportText } from './report-text.js'

const SERVED = 'served'

interface Limits {
  /** Of each remote; 0: no limit. */
  readonly max?: readonly number[]
  readonly ofPool?: number
  readonly queue?: string
  /** Further directives. */
  readonly more?: string
}

function configuration({ max = [1], more = '', ofPool = 0, queue = '' }: Limits): string {
  const remotes = max.map((most, i) => `remote { name = r${i} 10.0.0.1:${i + 1} max connections = ${most} }`)
  const waiting = queue === '' ? '' : `queue = { ${queue} }`
  return `id = spawnd { listen { port = 80 } } id = tcprelay {
    balance = first max connections = ${ofPool} ${waiting} ${more} ${remotes.join(' ')} }`
}

/** What becomes of each client, and how long it has waited, in seconds. */
function outcomes(limits: Limits, lines: readonly Line[], wish?: Wish) {
  const { decisions, waitedMs } = simulated(configuration(limits), traceOf(lines).trace, wish)
  return Array.from(decisions, (decision, i) => [
    decision >= 0 ? SERVED : decision,
    (waitedMs[i] as number) / 1_000,
  ])
}

test('waiting clients are served in their order, each at the time at which a place is free', () => {
  const lines = [0, 1, 2, 2.5].map((at) => ({ at, seconds: at === 1 ? 0.5 : 4 }))
  assert.deepEqual(outcomes({}, lines), [
    [SERVED, 0],
    [SERVED, 3],
    [SERVED, 2.5],
    [SERVED, 6],
  ])
})

test('a place of the pool counts as one of a remote', () => {
  const lines = [0, 0, 1, 2].map((at) => ({ at, seconds: 5 }))
  assert.deepEqual(outcomes({ max: [0, 0], ofPool: 2 }, lines), [
    [SERVED, 0],
    [SERVED, 0],
    [SERVED, 4],
    [SERVED, 3],
  ])
})

test('a client waits for `timeout` at most; a place that is free by then is still its own', () => {
  const lines = [0, 1, 2, 2.5].map((at) => ({ at, seconds: 4 }))
  assert.deepEqual(outcomes({ queue: 'timeout = 3' }, lines), [
    [SERVED, 0],
    [SERVED, 3],
    [QUEUE_TIMEOUT, 3],
    [QUEUE_TIMEOUT, 3],
  ])
  assert.deepEqual(outcomes({ queue: 'timeout = 0' }, lines).at(-1), [SERVED, 9.5])
  // Without a timeout in the block it is `connect timeout`.
  const long = [{ at: 0, seconds: 60 }, { at: 1 }]
  assert.deepEqual(outcomes({}, long).at(-1), [QUEUE_TIMEOUT, 10])
})

test('no more clients wait than `size`', () => {
  const lines = [0, 1, 2, 3, 4.5].map((at) => ({ at, seconds: 4 }))
  assert.deepEqual(outcomes({ queue: 'size = 2' }, lines), [
    [SERVED, 0],
    [SERVED, 3],
    [SERVED, 6],
    [QUEUE_FULL, 0],
    [SERVED, 7.5],
  ])
  assert.deepEqual(outcomes({ queue: 'size = 0' }, lines.slice(0, 2)).at(-1), [QUEUE_FULL, 0])
})

test('a remote that comes back serves the first client that has not tried it', () => {
  const lines = [0, 1, 1.5, 4.2, 6].map((at) => ({ at, seconds: 20 }))
  const queue = 'timeout = 0'
  // Back-offs of r1 end at 2, 4 and 8.2 s: the clients of 1, 1.5 and 4.2 s try it in vain, and go on waiting for r0.
  const exact = 'back-off jitter = 0%'
  assert.deepEqual(outcomes({ max: [1, 1], queue, more: exact }, lines, { down: [['r1', 0.5, 4.5]] }), [
    [SERVED, 0],
    [SERVED, 19],
    [SERVED, 38.5],
    [SERVED, 55.8],
    [SERVED, 2.2],
  ])
})

test('a client that ends a back-off does not overtake those that wait', () => {
  const lines = [0, 1, 1.5, 1.6].map((at) => ({ at, seconds: 5 }))
  // The fourth client is the one that `rebalance` counts to; the second one has tried r1.
  const found = outcomes({ max: [1, 1], more: 'rebalance = 3' }, lines, { down: [['r1', 0.5, 1.2]] })
  assert.deepEqual(found, [
    [SERVED, 0],
    [SERVED, 4],
    [SERVED, 0.1],
    [SERVED, 5],
  ])
})

test('clients that wait for a remote that goes down try again in rounds, without the time in the queue', () => {
  const lines = [
    { at: 0, seconds: 60 },
    { at: 1, seconds: 1 },
    { at: 2, seconds: 1 },
  ]
  const down: Wish['down'] = [['r0', 5, 7]]
  const more = 'dial timeout = 3'
  assert.deepEqual(outcomes({ more }, lines, { down }), [
    [SERVED, 0],
    [SERVED, 4],
    // Its round at 7 s finds the remote full again.
    [SERVED, 3 + 1],
  ])
  assert.deepEqual(outcomes({ more }, lines, { down: [['r0', 5]] }), [
    [SERVED, 0],
    [NO_REMOTE, 4],
    [NO_REMOTE, 3],
  ])
})

test('waits of the log are reported, and are no part of its sessions', () => {
  const waits = [0, 1_000, 3_000]
  const lines: Line[] = [
    ...waits.map((ms, i) => ({
      at: i,
      seconds: 4 + ms / 1_000,
      fields: 'remote=r0',
      queued: ms,
    })),
    { at: 3, seconds: 2, queued: 2_000, end: 'queue-timeout' },
    { at: 4, end: 'queue-full' },
    { at: 4, seconds: 1, queued: 1_000, end: 'client-left' },
  ]
  const report = run(configuration({ max: [9] }), lines)
  const { logged, remotes, simulated } = onlyPool(report)
  assert.deepEqual(logged?.queue, {
    waited: 4,
    meanWaitMs: 1_750,
    p95WaitMs: 3_000,
    maxWaitMs: 3_000,
    peakWaiting: 3,
    timeouts: 1,
    full: 1,
  })
  assert.deepEqual(simulated.queue, { waited: 0, peakWaiting: 0, timeouts: 0, full: 0 })
  // Sessions of 4 s each, from 0 to 9 s: those that the simulation has too, but earlier.
  const sum = ({ meanSessions = 0 } = {}) => Math.round(meanSessions * 9)
  assert.deepEqual([sum(remotes[0]?.logged), remotes[0]?.logged?.peakSessions], [12, 2])
  assert.equal(simulated.connections, 5)
  assert.deepEqual(report.trace.leftOut, { 'end=client-left': 1 })
})

const GOLDEN = `\
6 connections of 1 clients, 2026-01-01T00:00:00.000Z to 2026-01-01T00:00:08.000Z

pool default (first)
  remote  weight  expected  connections    share  mean  peak  |  log: connections  log: share  log: mean  log: peak
  r0           1   100.0 %            3  100.0 %   1.0     1  |                 6     100.0 %        2.9          5

                                simulated      log
  connections                           3        6
  clients                               1        1
  moved clients                         0        0
  moves                                 0        0
  refused: no remote                    0        0
  refused: queue full                   2        0
  refused: queue timeout                1        0
  clients that waited                   3        1
  wait: mean                      4.917 s  0.750 s
  wait: 95 %                      6.500 s  0.750 s
  wait: maximum                   6.500 s  0.750 s
  waiting clients: peak                 2        1
  cut by outages                        0        -
  imbalance of connections           1.00     1.00
  imbalance of sessions              1.00     1.00
  other remote than in the log          3
`

test('prints the figures of queues beside those of the log', () => {
  const lines: Line[] = [0, 1, 2, 3, 3.5, 4].map((at) => ({
    at,
    seconds: 4,
    fields: 'remote=r0',
    queued: at === 1 ? 750 : 0,
  }))
  const report = run(configuration({ queue: 'size = 2 timeout = 6.5' }), lines)
  assert.equal(reportText(report, []), GOLDEN)
})

/** Times in seconds; few different ones, so that many events coincide. */
const clients = fc.array(
  fc.record({ at: fc.nat({ max: 30 }), seconds: fc.oneof(fc.constant(0), fc.nat({ max: 12 })) }),
  { maxLength: 60 },
)
const limits = fc.record({
  max: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
  ofPool: fc.nat({ max: 4 }),
  size: fc.oneof(fc.nat({ max: 4 }), fc.constant(1_000)),
  timeout: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20 })),
})

/** The clients of a simulation: when each came, was served or left, and ended. */
function livesOf(text: string, lines: readonly Line[], wish?: Wish) {
  const { trace } = traceOf(lines)
  const { decisions, waitedMs } = simulated(text, trace, wish)
  return Array.from(decisions, (decision, i) => {
    const cameMs = trace.startMs[i] as number
    const leftQueueMs = cameMs + (waitedMs[i] as number)
    return { decision, cameMs, leftQueueMs, endMs: leftQueueMs + (trace.lengthMs[i] as number) }
  })
}

type Life = ReturnType<typeof livesOf>[number]

const isWaiting = ({ cameMs, leftQueueMs }: Life, atMs: number) => cameMs < atMs && atMs < leftQueueMs
const isSession = ({ decision, endMs, leftQueueMs }: Life, atMs: number) =>
  decision >= 0 && leftQueueMs < atMs && atMs < endMs

test('no limit is exceeded, and nobody waits while a place is free', (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  fc.assert(
    fc.property(clients, limits, (lines, { max, ofPool, size, timeout }) => {
      const queue = `size = ${size} timeout = ${timeout}`
      const lives = livesOf(configuration({ max, ofPool, queue }), lines)
      const places = Math.min(
        max.reduce((sum, most) => sum + most, 0),
        ofPool || Infinity,
      )
      const timeoutMs = timeout === 0 ? Infinity : timeout * 1_000
      // All times are whole seconds: nothing changes half a second later.
      for (const { cameMs, decision, endMs, leftQueueMs } of lives) {
        assert.ok(decision >= 0 || decision === QUEUE_FULL || decision === QUEUE_TIMEOUT, `${decision}`)
        assert.ok(leftQueueMs - cameMs <= timeoutMs)
        assert.equal(decision === QUEUE_TIMEOUT, leftQueueMs - cameMs === timeoutMs && decision < 0)
        for (const atMs of [cameMs, leftQueueMs, endMs].map((ms) => ms + 500)) {
          const sessions = lives.filter((life) => isSession(life, atMs))
          for (const [slot, most] of max.entries())
            assert.ok(sessions.filter((life) => life.decision === slot).length <= most)
          assert.ok(sessions.length <= places)
          const waiting = lives.filter((life) => isWaiting(life, atMs)).length
          assert.ok(waiting <= size)
          if (decision === QUEUE_FULL && atMs === cameMs + 500) assert.equal(waiting, size)
          assert.ok(waiting === 0 || sessions.length === places, `${waiting} wait for ${sessions.length}`)
        }
      }
      const served = lives.filter(({ decision }) => decision >= 0).sort((a, b) => a.cameMs - b.cameMs)
      const begins = served.map(({ leftQueueMs }) => leftQueueMs)
      assert.deepEqual(
        begins,
        begins.toSorted((a, b) => a - b),
        'first come, first served',
      )
    }),
    { seed },
  )
})

test('without a limit nobody waits, and a limit that is never reached changes nothing', (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  fc.assert(
    fc.property(clients, fc.constantFrom('first', 'least-use', 'round-robin'), (lines, policy) => {
      const [endless, high] = [0, lines.length + 1].map((most) =>
        livesOf(
          configuration({ max: [most, most], ofPool: most, queue: most === 0 ? '' : 'size = 0' }),
          lines,
          { policy },
        ),
      )
      assert.deepEqual(endless, high)
      assert.ok(
        endless?.every(({ cameMs, decision, leftQueueMs }) => decision >= 0 && cameMs === leftQueueMs),
      )
    }),
    { seed },
  )
})
