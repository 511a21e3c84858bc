import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FailureWindow } from './failure-window.js'

test('finds N failures within T, and counts from the begin after that', () => {
  const window = new FailureWindow({ count: 3, withinMs: 10 })
  assert.deepEqual(
    [0, 5, 11, 15, 16, 17, 18].map((atMs) => window.note(atMs)),
    [false, false, false, true, false, false, true],
  )
})

test('one failure is enough with N = 1', () => {
  const window = new FailureWindow({ count: 1, withinMs: 1 })
  assert.deepEqual([window.note(0), window.note(1_000)], [true, true])
})

test('agrees with a list of all failures since the last hit', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 60 })
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: 6 }), (all, count) => {
      const window = new FailureWindow({ count, withinMs: 40 })
      let since: number[] = []
      let atMs = 0
      for (const gap of all) {
        atMs += gap
        since = [...since, atMs].filter((other) => atMs - other <= 40)
        const isHit = since.length >= count
        if (isHit) since = []
        assert.equal(window.note(atMs), isHit)
      }
    }),
  )
})
