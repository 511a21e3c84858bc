import assert from 'node:assert/strict'
import { test } from 'node:test'
import { median, medianInterval } from '../../bench/statistics.js'

test('the median is the middle value, or the mean of the two in the middle', () => {
  assert.equal(median([9, 1, 5]), 5)
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.equal(median([7]), 7)
  assert.ok(Number.isNaN(median([])))
})

test('the median does not change its input', () => {
  const values = [3, 1, 2]
  median(values)
  assert.deepEqual(values, [3, 1, 2])
})

test('with five values the interval is smallest to largest, with a confidence of 15/16', () => {
  assert.deepEqual(medianInterval([5, 3, 1, 4, 2], 0.9), { low: 1, high: 5, coverage: 15 / 16 })
})

test('with nine values one at each end is left out, not two', () => {
  const interval = medianInterval([1, 2, 3, 4, 5, 6, 7, 8, 9], 0.9)
  assert.deepEqual([interval.low, interval.high], [2, 8])
  assert.ok(Math.abs(interval.coverage - (1 - 20 / 512)) < 1e-12)
})

test('too few values give all of them, with the confidence that they really have', () => {
  assert.deepEqual(medianInterval([2, 1, 3], 0.9), { low: 1, high: 3, coverage: 0.75 })
  assert.deepEqual(medianInterval([2], 0.9), { low: 2, high: 2, coverage: 0 })
})

test('the interval contains the median of a known distribution as often as it says', () => {
  let state = 1
  const chance = (): number => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
  let hits = 0
  for (let run = 0; run < 4_000; run++) {
    const { low, high } = medianInterval(Array.from({ length: 9 }, chance), 0.9)
    if (low <= 0.5 && high >= 0.5) hits++
  }
  assert.ok(Math.abs(hits / 4_000 - (1 - 20 / 512)) < 0.015, `${hits} of 4000`)
})
