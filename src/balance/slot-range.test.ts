import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rangeOf } from './slot-range.js'

test('the range of slots reaches from the lowest to the highest', () => {
  assert.deepEqual(rangeOf([7, 3, 5]), { first: 3, count: 5 })
  assert.deepEqual(rangeOf([4]), { first: 4, count: 1 })
  assert.deepEqual(rangeOf([]), { first: 0, count: 0 })
})
