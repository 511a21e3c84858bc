import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BackOff, type BackOffNumbers } from './back-off.js'
import { RandomSource } from './random-source.js'
import { RemoteHealth } from './remote-health.js'

/** In row, of slot 0. */
function times(numbers: BackOffNumbers, count: number, seed = 1): readonly number[] {
  const backOff = new BackOff([numbers], new RandomSource(seed))
  return Array.from({ length: count }, (_, i) => backOff.timeMs(0, i + 1))
}

test('each failure doubles the time, from the first to the longest', () => {
  assert.deepEqual(times({ firstMs: 500, maxMs: 3_000, jitter: 0 }, 5), [500, 1_000, 2_000, 3_000, 3_000])
  assert.equal(times({ firstMs: 1, maxMs: 86_400_000, jitter: 0 }, 60).at(-1), 86_400_000)
})

test('zero is no back-off, also after any number of failures', () => {
  assert.deepEqual(new Set(times({ firstMs: 0, maxMs: 30_000, jitter: 0.2 }, 2_000)), new Set([0]))
})

test('remotes have the numbers of their slots, others the default', () => {
  const [fast, slow] = [100, 7_000].map((firstMs) => ({ firstMs, maxMs: 10_000, jitter: 0 }))
  const backOff = new BackOff([fast, undefined, slow], new RandomSource(1))
  assert.deepEqual(
    [0, 1, 2, 3].map((slot) => backOff.timeMs(slot, 1)),
    [100, 1_000, 7_000, 1_000],
  )
  const health = new RemoteHealth(3, {}, backOff)
  for (const slot of [0, 1, 2]) health.failed(slot, 10, 10)
  assert.deepEqual(
    [0, 1, 2].map((slot) => health.backOffUntilMs(slot)),
    [110, 1_010, 7_010],
  )
  health.beginProbe(2, 8_000)
  assert.equal(health.backOffUntilMs(2), 15_000)
})

test('workers with different seeds spread their retries over the whole jitter, one seed repeats itself', () => {
  const numbers = { firstMs: 1_000, maxMs: 30_000, jitter: 0.2 }
  const firsts = Array.from({ length: 1_000 }, (_, seed) => times(numbers, 1, seed)[0] as number)
  assert.ok(Math.min(...firsts) < 810 && Math.max(...firsts) > 990)
  const inEachTenth = Array.from({ length: 10 }, (_, tenth) =>
    firsts.filter((ms) => Math.floor((ms - 800) / 20) === tenth),
  )
  for (const { length } of inEachTenth) assert.ok(length > 50, `${length} of 1,000 in a tenth of the jitter`)
  assert.deepEqual(times(numbers, 20, 7), times(numbers, 20, 7))
})

test('jitter shortens the time, and by no more than its share', () => {
  const numbers = fc.record({
    firstMs: fc.nat({ max: 1e6 }),
    maxMs: fc.integer({ min: 1, max: 1e9 }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  fc.assert(
    fc.property(numbers, fc.integer(), (given, seed) => {
      const exact = times({ ...given, jitter: 0 }, 50)
      for (const [i, ms] of times(given, 50, seed).entries()) {
        const most = exact[i] as number
        assert.ok(ms <= most && ms >= most * (1 - given.jitter) - 1e-6, `${ms} of ${most}`)
      }
    }),
  )
})
