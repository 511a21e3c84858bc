import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ageMsOf, amountOf } from './shared-numbers.js'

test('an amount is used if it is possible', () => {
  assert.deepEqual(
    [0, 3.5, 10].map((written) => amountOf(written, 10)),
    [0, 3.5, 10],
  )
  assert.deepEqual(
    [10.1, -1, NaN, Infinity, -Infinity].map((written) => amountOf(written, 10)),
    [0, 0, 0, 0, 0],
  )
})

test('the clock of another worker may be a little ahead; no other time is in the future', () => {
  const ages = [4_000, 5_000, 5_900, 6_001, NaN, Infinity].map((written) => ageMsOf(written, 5_000))
  assert.deepEqual(ages, [1_000, 0, 0, Infinity, Infinity, Infinity])
})
