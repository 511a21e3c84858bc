import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linuxSystem } from './linux-system.js'

test('the clock is CLOCK_MONOTONIC in milliseconds with fractions', () => {
  const { clock } = linuxSystem()
  const before = Number(process.hrtime.bigint()) / 1e6
  const now = clock.monotonicMs()
  const after = Number(process.hrtime.bigint()) / 1e6
  // hrtime and clock_gettime read the same clock; doubles lose fractions of a nanosecond.
  assert.ok(before - 0.001 <= now && now <= after + 0.001, `${before} ${now} ${after}`)
})

test('the clock is monotonic', () => {
  const { clock } = linuxSystem()
  for (let i = 0, last = 0; i < 100_000; i++) {
    const now = clock.monotonicMs()
    assert.ok(now >= last)
    last = now
  }
})
