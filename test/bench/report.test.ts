import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figure, headCells, rowCells } from '../../bench/report/cells.js'
import { markdownTable, textTable } from '../../bench/report/table.js'
import type { Sample } from '../../bench/sample.js'
import { summarise } from '../../bench/summary.js'

function sample(relay: string, round: number, cpuSeconds: number): Sample {
  const work = { units: 1_000, seconds: 2, p99Ms: round, faults: [] }
  return {
    relay,
    workload: 'requests',
    round,
    work,
    costPerUnit: cpuSeconds / 1_000,
    cpuSeconds,
    childCpuSeconds: [],
    windowSeconds: 2.5,
    foreignShare: round / 100,
  }
}

test('a ratio pairs the samples of the same round', () => {
  // The machine is twice as slow in round 2; that affects both relays, so their ratio is unchanged.
  const samples = [sample('a', 1, 1), sample('b', 1, 2), sample('a', 2, 2), sample('b', 2, 4)]
  const [a, b] = summarise(samples, 'requests', ['a', 'b'])
  assert.equal(a?.costRatio, undefined)
  assert.equal(b?.costRatio?.low, 0.5)
  assert.equal(b?.costRatio?.high, 0.5)
})

test('a round in which the counterpart failed gives no ratio but still a sample', () => {
  const samples = [sample('a', 1, 1), sample('b', 1, 2), sample('b', 2, 40)]
  const [, b] = summarise(samples, 'requests', ['a', 'b'])
  assert.equal(b?.costRatio?.median, 0.5)
  assert.equal(b?.sampleCount, 2)
})

test('a row has cost and speed per unit of work, and the worst disturbance', () => {
  const [row] = summarise([sample('a', 1, 1), sample('a', 3, 3)], 'requests', ['a'])
  assert.equal(row?.costPerUnit.median, 0.002)
  assert.equal(row?.unitsPerSecond, 500)
  assert.equal(row?.p99Ms, 2)
  assert.equal(row?.busyShare, 0.8)
  assert.equal(row?.foreignShareMax, 0.03)
})

test('a latency row also has the other percentiles and CPU time', () => {
  const waited = (round: number, p99Us: number): Sample => {
    const latency = { p50Us: round * 10, p99Us, p999Us: round * 1_000, maxUs: round * 2_000 }
    const lag = { ...latency, p99Us: round }
    const { work, ...rest } = sample('a', round, 0.008)
    return { ...rest, costPerUnit: p99Us / 1e6, work: { ...work, latency, lag } }
  }
  const rows = summarise([waited(1, 100), waited(3, 500)], 'requests', ['a'])
  const unit = { name: 'request', costLabel: 'p99 µs', costScale: 1e6, rateLabel: 'requests/s', rateScale: 1 }
  const [row] = rows
  if (row === undefined) throw new Error('no row')
  const named = headCells({ unit, rows }, 'a').map((head, i) => [head, rowCells(row, unit)[i]])
  assert.deepEqual(Object.fromEntries(named), {
    relay: 'a',
    'p99 µs': '300',
    'a ÷ it': '–',
    'p50 µs': '20.0',
    'p99.9 µs': '2,000',
    'max µs': '4,000',
    'generator late p99 µs': '2.00',
    'CPU µs/request': '8.00',
    'requests/s': '500',
    'core busy': '0 %',
    'children even': '–',
    rounds: '2',
  })
})

test('samples of other workloads and relays without samples make no row', () => {
  assert.deepEqual(summarise([sample('a', 1, 1)], 'connections', ['a']), [])
  assert.equal(summarise([sample('b', 1, 1)], 'requests', ['a', 'b']).length, 1)
})

test('figures have three significant digits', () => {
  assert.deepEqual([8.704, 0.21349, 151.2, 999.6, 53_901.4, Number.NaN].map(figure), [
    '8.70',
    '0.213',
    '151',
    '1,000',
    '53,901',
    '?',
  ])
})

test('a table lines up its columns', () => {
  const rows = [
    ['relay', 'µs'],
    ['net', '26.2'],
    ['haproxy', '9'],
  ]
  assert.equal(textTable(rows), 'relay      µs\nnet      26.2\nhaproxy     9')
  assert.equal(markdownTable([['a|b', 'c']]), '| a\\|b | c |\n| --- | --: |')
})
