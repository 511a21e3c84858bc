import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { reachedLimit } from './attempt-limit.js'
import { RetryBudget } from './retry-budget.js'

/** Retries that are made one after the other until one is refused. */
function retriesAt(budget: RetryBudget, nowMs: number, most = 1_000): number {
  let retries = 0
  for (; retries < most && budget.allows(nowMs); retries++) budget.count(1, nowMs)
  return retries
}

function firstsAt(budget: RetryBudget, count: number, nowMs: number): void {
  for (let i = 0; i < count; i++) budget.count(0, nowMs)
}

test('ten retries a second are allowed without any load', () => {
  const budget = new RetryBudget(20)
  assert.equal(retriesAt(budget, 5_000), 100)
  assert.equal(retriesAt(budget, 14_999), 0)
  assert.equal(retriesAt(budget, 15_000), 100)
})

test('the percentage is of the first attempts of the last ten seconds', () => {
  const budget = new RetryBudget(20, 0)
  assert.equal(budget.allows(100_000), false)
  firstsAt(budget, 100, 100_000)
  assert.equal(retriesAt(budget, 109_999), 20)
  firstsAt(budget, 4, 109_999)
  assert.equal(budget.allows(109_999), false, 'less than one')
  firstsAt(budget, 1, 109_999)
  assert.equal(retriesAt(budget, 109_999), 1)
  assert.equal(retriesAt(budget, 110_000), 0, 'the hundred are forgotten, their retries are not')
  firstsAt(budget, 200, 110_000)
  assert.equal(retriesAt(budget, 110_000), 20, '205 first attempts, 21 retries')
})

test('retries may be several for each client', () => {
  const budget = new RetryBudget(300, 0)
  firstsAt(budget, 10, 0)
  assert.equal(retriesAt(budget, 0), 30)
})

test('zero percent leaves the minimum, and no minimum nothing', () => {
  const [some, none] = [new RetryBudget(0), new RetryBudget(0, 0)]
  for (const budget of [some, none]) firstsAt(budget, 1_000, 0)
  assert.deepEqual([retriesAt(some, 0), retriesAt(none, 0)], [100, 0])
})

test('after a long pause nothing is left of what was counted', () => {
  const budget = new RetryBudget(100, 0)
  firstsAt(budget, 50, 1_000)
  assert.equal(budget.allows(1e12), false)
  firstsAt(budget, 3, 1e12)
  assert.equal(retriesAt(budget, 1e12), 3)
})

test('a first attempt is never limited', () => {
  const spent = new RetryBudget(0, 0)
  assert.equal(reachedLimit(0, 1, spent, 0), undefined)
  assert.equal(reachedLimit(1, Infinity, spent, 0), 'retry-budget')
  assert.equal(reachedLimit(1, 1, spent, 0), 'attempts-max')
  assert.equal(reachedLimit(3, 4, undefined, 0), undefined)
  assert.equal(reachedLimit(4, 4, undefined, 0), 'attempts-max')
})

test('allows exactly the retries that a list of all attempts allows, at any times', () => {
  const step = fc.record({
    waitMs: fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 30_000 })),
    isRetry: fc.boolean(),
  })
  const run = fc.record({
    percent: fc.nat({ max: 300 }),
    minPerSecond: fc.nat({ max: 2 }),
    startMs: fc.nat({ max: 2 ** 40 }),
    steps: fc.array(step, { maxLength: 200 }),
  })
  fc.assert(
    fc.property(run, ({ percent, minPerSecond, startMs, steps }) => {
      const budget = new RetryBudget(percent, minPerSecond)
      const all: { readonly atS: number; readonly isRetry: boolean }[] = []
      let nowMs = startMs
      for (const { isRetry, waitMs } of steps) {
        nowMs += waitMs
        const atS = Math.floor(nowMs / 1_000)
        const recent = all.filter((other) => other.atS > atS - 10)
        const retries = recent.filter((other) => other.isRetry).length
        const most = 10 * minPerSecond + ((recent.length - retries) * percent) / 100
        assert.equal(budget.allows(nowMs), retries + 1 <= most)
        if (isRetry && retries + 1 > most) continue
        budget.count(isRetry ? 1 : 0, nowMs)
        all.push({ atS, isRetry })
      }
    }),
  )
})
