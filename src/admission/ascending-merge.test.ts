import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AscendingMerge } from './ascending-merge.js'

test('merges lists in ascending order without duplicates, again after clear', () => {
  const merge = new AscendingMerge()
  const list = fc.uniqueArray(fc.nat(30), { minLength: 1 }).map((all) => all.sort((a, b) => a - b))
  fc.assert(
    fc.property(fc.array(list, { maxLength: 6 }), fc.nat(5), (lists, readCount) => {
      const wanted = [...new Set(lists.flat())].sort((a, b) => a - b)
      const read = (count: number) => {
        merge.clear()
        for (const one of lists) merge.add(one)
        return Array.from({ length: count }, () => merge.next())
      }
      // The first reading stops early.
      assert.deepEqual(read(readCount), [...wanted, -1, -1, -1, -1, -1].slice(0, readCount))
      assert.deepEqual(read(wanted.length + 2), [...wanted, -1, -1])
    }),
  )
})
