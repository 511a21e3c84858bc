import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Hedging } from './hedging.js'

function afterTimes(percentile: number, times: readonly number[]): number {
  const hedging = new Hedging({ percentile })
  for (const ms of times) hedging.took(ms)
  return hedging.delayMs
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

test('the delay is the percentile of the connect times, once there are 64', () => {
  assert.equal(afterTimes(95, upTo(63)), Number.POSITIVE_INFINITY)
  assert.equal(afterTimes(95, upTo(64)), 61)
  assert.equal(afterTimes(50, upTo(64)), 32)
  assert.equal(afterTimes(99, upTo(512)), 507)
  assert.equal(afterTimes(95, [...upTo(512), ...upTo(512).fill(7)]), 7, 'older ones are forgotten')
})

test('it is computed again after 64 further times', () => {
  assert.equal(afterTimes(50, [...upTo(64).fill(10), ...upTo(63).fill(30)]), 10)
  assert.equal(afterTimes(50, [...upTo(64).fill(10), ...upTo(64).fill(5), ...upTo(64).fill(5)]), 5)
})

test('it is at least 2 ms', () => {
  assert.equal(afterTimes(95, upTo(64).fill(0.2)), 2)
})

test('a fixed time needs no connect times', () => {
  const hedging = new Hedging({ afterMs: 50 })
  for (const ms of upTo(200)) hedging.took(ms)
  assert.equal(hedging.delayMs, 50)
})

test('the percentile is that of sorted times', () => {
  const times = fc.array(fc.integer({ min: 2, max: 10_000 }), { minLength: 64, maxLength: 700 })
  fc.assert(
    fc.property(times, fc.integer({ min: 50, max: 99 }), (all, percentile) => {
      const known = all.slice(0, all.length - (all.length % 64)).slice(-512)
      const sorted = known.toSorted((a, b) => a - b)
      assert.equal(afterTimes(percentile, all), sorted[Math.ceil((sorted.length * percentile) / 100) - 1])
    }),
  )
})

test('five of a hundred first attempts may be hedged, without a reserve', () => {
  const hedging = new Hedging({ afterMs: 50 })
  const hedgesNow = () => {
    let hedges = 0
    for (; hedges < 100 && hedging.allows(1_000); hedges++) hedging.countHedge(1_000)
    return hedges
  }
  assert.equal(hedgesNow(), 0)
  for (let i = 0; i < 19; i++) hedging.countFirst(1_000)
  assert.equal(hedgesNow(), 0)
  for (let i = 0; i < 81; i++) hedging.countFirst(1_000)
  assert.equal(hedgesNow(), 5)
})
