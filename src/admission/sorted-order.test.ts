import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sortedOrder } from './sorted-order.js'

test('sorts keys by their words, signed, and keeps the order of equal ones', () => {
  const word = fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31)))
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word), { maxLength: 40 }), (keys) => {
      const order = sortedOrder(Int32Array.from(keys.flat()), 2)
      const wanted = [...keys.keys()].sort((i, j) => {
        const [a = [0, 0], b = [0, 0]] = [keys[i], keys[j]]
        return a[0] - b[0] || a[1] - b[1] || i - j
      })
      assert.deepEqual([...order], wanted)
    }),
  )
})
