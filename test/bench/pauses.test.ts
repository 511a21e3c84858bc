import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { byThread, collectionsIn, MARK_CONTROL_THREAD } from '../../bench/pauses/gc-trace.js'
import { BYTES_PER_S, type Reading, SETTLE_MS } from '../../bench/pauses/run.js'
import { judge } from '../../bench/pauses/verdict.js'

const TRACE = `[7:0x910c090]       22 ms: Mark-Compact 3.1 (4.0) -> 2.6 (5.2) MB, 9.99 / 0.00 ms  (average mu = 1.000, current mu = 1.000) testing; GC in old space requested
[7:0x910c090]       56 ms: Scavenge 4.3 (5.5) -> 3.7 (5.5) MB, 6.03 / 0.01 ms  (average mu = 1.000, current mu = 1.000) allocation failure;
[7:0x7f8cc4000f00]     9018 ms: Scavenge 3.2 (3.2) -> 2.8 (4.2) MB, 1.21 / 0.00 ms  (average mu = 1.000, current mu = 1.000) task;
2026-11-22T17:23:57.241Z tcprelay[7] info: not of the trace
[7:0x7f8cc4000f00]    12030 ms: Mark-Compact (reduce) 3.6 (4.7) -> 3.4 (5.5) MB, 0.75 / 0.00 ms  (+ 3.4 ms in 5 steps since start of marking, biggest step 2.5 ms, walltime since start of marking 30 ms) (average mu = 1.000, current mu = 1.000) finalize incremental marking via task; GC in old space requested
`

test('collections are parsed from the trace, each with its longest pause', () => {
  const { control, reactor } = byThread(collectionsIn(TRACE))
  const told = [...control, ...reactor].map(({ line: _, ...told }) => told)
  assert.deepEqual(told, [
    { isolate: '0x910c090', ageMs: 56, isMajor: false, pauseMs: 6.03, reason: 'allocation failure' },
    { isolate: '0x7f8cc4000f00', ageMs: 9_018, isMajor: false, pauseMs: 1.21, reason: 'task' },
    {
      isolate: '0x7f8cc4000f00',
      ageMs: 12_030,
      isMajor: true,
      pauseMs: 2.5,
      reason: 'finalize incremental marking via task',
    },
  ])
})

test('a line of a newer V8 is parsed, too', () => {
  const line =
    '[7:0x9100:0]  56 ms: Scavenge 4.3 (5.5) -> 3.7 (5.5) MB, pooled: 0 MB, 1.03 / 0.01 ms  (average mu = 1.000, current mu = 1.000) task;'
  const [collection] = collectionsIn(line)
  assert.deepEqual([collection?.isolate, collection?.pauseMs], ['0x9100', 1.03])
})

test('a trace that does not identify its threads is rejected', () => {
  const lines = TRACE.split('\n')
  assert.throws(() => byThread(collectionsIn(lines.slice(1).join('\n'))), /does not begin/)
  const third = TRACE.replace('0x7f8cc4000f00', '0x7f8cc5000000')
  assert.throws(() => byThread(collectionsIn(third)), /more than two threads/)
})

/** Makes enough garbage for some collections. */
const WASTEFUL = 'for (let i = 0, last; i < 3e6; i++) last = { last: undefined, i }'

test('Node traces workers, too, and the main thread is identified by its mark', () => {
  const starter = `new (require('node:worker_threads').Worker)(${JSON.stringify(WASTEFUL)}, { eval: true })`
  const args = [...MARK_CONTROL_THREAD, '-e', starter]
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  const { reactor } = byThread(collectionsIn(stdout))
  assert.ok(reactor.length > 0, stdout + stderr)
  assert.ok(reactor.every(({ reason }) => reason !== 'testing'))
})

function reading(changed: Partial<Reading>): Reading {
  const times = { p50Us: 100, p99Us: 200, p999Us: 300, maxUs: 400 }
  const tally = { answered: 10_000, recorded: 10_000, broken: 0, pendingMax: 7, latency: times, lag: times }
  return {
    trace: TRACE,
    loadAtMs: 9_000 + SETTLE_MS / 2,
    window: { cpuSeconds: 4, childCpuSeconds: [], windowSeconds: 10, foreignShare: 0 },
    bulk: { bytes: BYTES_PER_S * 10, seconds: 10 },
    connections: { seconds: 10, wholeConnections: tally },
    ...changed,
  }
}

test('pauses of the reactor under load are judged, others are only shown', () => {
  const { text, faults } = judge(reading({}))
  assert.deepEqual(faults, [])
  assert.match(text, /^200 MB\/s for 10.0 s\n1,000 new connections\/s/)
  assert.match(text, /^reactor, under load +2 +1 +2.50 +3.71$/m)
  assert.match(text, /^reactor, before +0 +0 +0.00 +0.00$/m)
  assert.match(text, /^control thread, before +1 +0 +6.03 +6.03$/m)
  const slow = judge(reading({ trace: TRACE.replace('1.21 / 0.00', '5.01 / 0.00') }))
  assert.deepEqual(slow.faults, ['the reactor stood still for more than 5 ms'])
  assert.match(slow.text, /the reactor's longest: .*5\.01/)
})

test('pauses under less load than requested fail', () => {
  assert.deepEqual(judge(reading({ bulk: { bytes: BYTES_PER_S * 9, seconds: 10 } })).faults, [
    'the bulk reached 90 % of its rate',
  ])
  const { connections } = reading({})
  const whole = connections.wholeConnections
  assert.ok(whole !== undefined)
  const broken = { ...connections, wholeConnections: { ...whole, broken: 2, complaint: 'no reply' } }
  assert.deepEqual(judge(reading({ connections: broken })).faults, ['2 connections had no reply: no reply'])
})
