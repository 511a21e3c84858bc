import assert from 'node:assert/strict'
import { cpus } from 'node:os'
import { test } from 'node:test'
import { netRelay } from '../../bench/relays/net.js'
import { Rounds } from '../../bench/rounds.js'
import type { Failure } from '../../bench/sample.js'
import type { Launch } from '../../bench/system/launch.js'
import { findCommand } from '../../bench/system/machine.js'
import { processTree } from '../../bench/system/process-tree.js'
import type { Workload } from '../../bench/workloads/workload.js'

const canPin = cpus().length >= 2 && findCommand('taskset') !== undefined
const skip = canPin ? false : 'taskset and two cores are needed'

function node(script: string, ...args: readonly (string | number)[]): Launch {
  return { command: process.execPath, args: ['-e', script, ...args.map(String)] }
}

const ECHO = `require('node:net').createServer((s) => s.pipe(s)).listen(process.argv[1], '127.0.0.1')`
const PING = `
const socket = require('node:net').connect(process.argv[1], '127.0.0.1')
let trips = 0
socket.on('data', () => (++trips < 2000 ? socket.write('x') : (console.log(trips), socket.destroy())))
socket.write('x')`

const pings: Workload = {
  name: 'pings',
  title: 'a byte there and back',
  unit: { name: 'trip', costLabel: 'µs', costScale: 1e6, rateLabel: 'trips/s', rateScale: 1 },
  needs: [],
  server: ({ port }) => node(ECHO, port),
  warmUp: (port) => node(PING, port),
  generator: ({ port }) => node(PING, port),
  readWork: (output) => ({ units: Number(output), seconds: 1, faults: [] }),
}

function roundsOf(workload: Workload, failures: Failure[] = []): Rounds {
  const plan = { relays: [{ ...netRelay, version: '' }], workloads: [workload], omissions: [] }
  const progress = { measured: () => {}, failed: (failure: Failure) => failures.push(failure) }
  return new Rounds(plan, { seconds: 1, warmUpMs: 0, repeatsMax: 0 }, progress)
}

test('a round measures the relay and leaves nothing behind', { skip }, async () => {
  const rounds = roundsOf(pings)
  await rounds.run(1)
  const [sample] = rounds.results.samples
  assert.equal(sample?.work.units, 2000)
  const microseconds = ((sample?.cpuSeconds ?? 0) / 2000) * 1e6
  assert.ok(microseconds > 1 && microseconds < 2_000, `${microseconds} µs a trip`)
  assert.deepEqual(processTree(process.pid), [process.pid])
})

test('a broken connection makes the measurement a failure, not a number', { skip }, async () => {
  const failures: Failure[] = []
  const rounds = roundsOf(
    { ...pings, readWork: () => ({ units: 1, seconds: 1, faults: ['read 3'] }) },
    failures,
  )
  await rounds.run(1)
  assert.deepEqual(rounds.results.samples, [])
  assert.deepEqual(failures, [{ relay: 'net', workload: 'pings', round: 1, reason: 'read 3' }])
})

test('a stopped run ends soon without a failure', { skip }, async () => {
  const failures: Failure[] = []
  const rounds = roundsOf({ ...pings, generator: () => ({ command: 'sleep', args: ['60'] }) }, failures)
  const run = rounds.run(5)
  setTimeout(() => rounds.stop(), 800)
  const startMs = performance.now()
  await run
  assert.ok(performance.now() - startMs < 5_000)
  assert.deepEqual(processTree(process.pid), [process.pid])
  assert.deepEqual(failures, [])
})

test('a round that would end too late is not started', { skip }, async () => {
  const rounds = roundsOf(pings)
  await rounds.run(3, 0.001)
  assert.deepEqual(
    rounds.results.samples.map(({ round }) => round),
    [1],
  )
})
