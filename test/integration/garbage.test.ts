import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EXCHANGES, measured, NOISE_BYTES, OBJECT_BYTES_MIN } from './garbage.js'

test('a million events in memory make no garbage', (t) => {
  const { allBytes, medianBytes } = measured('events-in-memory', 1_000_000)
  t.diagnostic(`${medianBytes.toFixed(3)} bytes per event, ${allBytes.toFixed(3)} with the compiler's own`)
  assert.ok(medianBytes < NOISE_BYTES, `${medianBytes} bytes per event`)
  // On a busy machine V8 may interpret a window whose code it compiles anew, and the interpreter boxes numbers.
  assert.ok(allBytes < OBJECT_BYTES_MIN / 2, `${allBytes} bytes per event in all`)
})

test(`${EXCHANGES * 2} requests and replies through a reactor on real sockets make no garbage`, (t) => {
  const { medianBytes } = measured('exchanges', EXCHANGES)
  t.diagnostic(`${medianBytes.toFixed(3)} bytes per request and reply`)
  assert.ok(medianBytes < 2 * NOISE_BYTES, `${medianBytes} bytes per request and reply`)
})

test('one small object per receive would be detected', () => {
  const { medianBytes } = measured('wasteful-exchanges', 20_000)
  assert.ok(medianBytes >= 2 * OBJECT_BYTES_MIN, `${medianBytes} bytes per request and reply`)
})
