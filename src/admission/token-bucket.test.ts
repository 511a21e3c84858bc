import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RatePlan } from './limit-plan.js'
import { NO_TOKEN, TokenBucket } from './token-bucket.js'

/** Takes tokens at these times, in ms; returns how many it gets. */
function taken(plan: RatePlan, timesMs: Iterable<number>): number {
  const bucket = new TokenBucket(plan, 0)
  let fullAt = 0
  let count = 0
  for (const nowMs of timesMs) {
    const next = bucket.next(fullAt, nowMs)
    if (next === NO_TOKEN) continue
    fullAt = next
    count++
  }
  return count
}

function* every(stepMs: number, fromMs: number, toMs: number): Generator<number> {
  for (let ms = fromMs; ms < toMs; ms += stepMs) yield ms
}

test('gives a burst at once, then tokens at the rate', () => {
  const bucket = new TokenBucket({ count: 10, withinMs: 3_000, burst: 10 }, 0)
  let fullAt = bucket.full(50_000)
  assert.equal(bucket.tokens(fullAt, 50_000), 10)
  for (let i = 0; i < 10; i++) fullAt = bucket.next(fullAt, 50_000)
  assert.deepEqual([bucket.next(fullAt, 50_000), bucket.next(fullAt, 50_299)], [NO_TOKEN, NO_TOKEN])
  assert.equal(Math.round(bucket.waitMs(fullAt, 50_000)), 300)
  fullAt = bucket.next(fullAt, 50_300)
  assert.notEqual(fullAt, NO_TOKEN)
  assert.deepEqual([bucket.tokens(fullAt, 50_300), bucket.tokens(fullAt, 53_300)], [0, 10])
})

test('is a token bucket, whenever clients come', () => {
  const plans = fc.record({
    count: fc.integer({ min: 1, max: 50 }),
    withinMs: fc.constantFrom(1_000, 3_000, 60_000),
    burst: fc.integer({ min: 1, max: 20 }),
  })
  fc.assert(
    fc.property(plans, fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 100 }), (plan, pauses) => {
      const perMs = plan.count / plan.withinMs
      const bucket = new TokenBucket(plan, 0)
      let fullAt = 0
      let nowMs = 1e9
      let tokens: number = plan.burst
      for (const pauseMs of pauses) {
        nowMs += pauseMs
        tokens = Math.min(plan.burst, tokens + pauseMs * perMs)
        const next = bucket.next(fullAt, nowMs)
        // At the very edge, steps of 8 µs decide.
        if (Math.abs(tokens - 1) < 0.02) return
        assert.equal(next !== NO_TOKEN, tokens >= 1)
        if (next === NO_TOKEN) continue
        fullAt = next
        tokens--
      }
    }),
  )
})

test('rates are exact, also where a token is a fraction of steps', () => {
  for (const perSecond of [1, 3, 7, 99, 1_000, 33_333, 70_000]) {
    const plan = { count: perSecond, withinMs: 1_000, burst: 1 }
    const seconds = perSecond < 10 ? 60 : 3
    // Clients come ten times as often.
    const count = taken(plan, every(100 / perSecond, 1e9, 1e9 + seconds * 1_000))
    assert.ok(
      Math.abs(count / (perSecond * seconds) - 1) < 0.02,
      `${count} in ${seconds} s at ${perSecond}/s`,
    )
  }
})

test('times wrap', () => {
  const wrapMs = 2 ** 31 / 125
  const plan = { count: 10, withinMs: 1_000, burst: 1 }
  const count = taken(plan, every(10, 7 * wrapMs - 5_000, 7 * wrapMs + 5_000))
  assert.ok(Math.abs(count - 100) <= 1, `${count}`)
})

test('a time that no bucket can have means a full one', () => {
  const bucket = new TokenBucket({ count: 1, withinMs: 1_000, burst: 5 }, 0)
  assert.equal(bucket.tokens((bucket.full(1e9) + 125 * 60_000) | 0, 1e9), 5)
})

test('tokens that are taken in advance come one after the other', () => {
  const bucket = new TokenBucket({ count: 10, withinMs: 1_000, burst: 1 }, 5_000)
  let fullAt = bucket.full(1e9)
  const waits = [1, 2, 3].map(() => {
    const waitMs = Math.round(bucket.waitMs(fullAt, 1e9))
    fullAt = bucket.reserve(fullAt, 1e9)
    return waitMs
  })
  assert.deepEqual(waits, [0, 100, 200])
})
