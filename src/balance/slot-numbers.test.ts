import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NONE } from './policy.js'
import { rangeOf, SlotNumbers } from './slot-numbers.js'

test('the range of slots reaches from the lowest to the highest', () => {
  assert.deepEqual(rangeOf([7, 3, 5]), { first: 3, count: 5 })
  assert.deepEqual(rangeOf([4]), { first: 4, count: 1 })
  assert.deepEqual(rangeOf([]), { first: 0, count: 0 })
})

test('numbers are by slot, and begin with the initial one', () => {
  const numbers = new SlotNumbers({ first: 3, count: 2 }, 9)
  numbers.set(4, 1.5)
  assert.deepEqual([numbers.get(3), numbers.get(4)], [9, 1.5])
  assert.deepEqual([...numbers.values], [9, 1.5])
})

test('numbers are taken over by slot; a remote without a slot there gets the initial one', () => {
  const before = new SlotNumbers({ first: 10, count: 3 })
  for (const slot of [10, 11, 12]) before.set(slot, slot)
  const numbers = new SlotNumbers({ first: 2, count: 5 }, -1)
  numbers.continueFrom(before, [NONE, NONE, 12, 9, NONE, 10])
  assert.deepEqual(
    [2, 3, 4, 5, 6].map((slot) => numbers.get(slot)),
    [12, -1, -1, 10, -1],
  )
  numbers.continueFrom(before, [], 5)
  assert.equal(numbers.get(2), 5)
})
