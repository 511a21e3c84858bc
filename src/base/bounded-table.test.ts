import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BoundedTable, DROPPED_AT_ONCE, ENTRIES_MAX } from './bounded-table.js'

test('returns an entry until it expires', () => {
  const table = new BoundedTable<number>(60_000)
  table.set('a', 1, 500)
  assert.equal(table.get('a', 499)?.value, 1)
  assert.equal(table.get('a', 500), undefined)
  assert.equal(table.get('b', 0), undefined)
})

test('purges expired entries once per period', () => {
  const table = new BoundedTable<number>(10_000)
  table.get('', 0)
  table.set('a', 1, 500)
  table.set('b', 2, 50_000)
  table.get('', 9_999)
  assert.equal(table.size, 2)
  table.get('', 10_000)
  assert.equal(table.size, 1)
})

test('drops the oldest entries of a full table', () => {
  const table = new BoundedTable<number>(60_000)
  for (let i = 0; i < ENTRIES_MAX; i++) table.set(`${i}`, i, 1_000)
  // Makes it the youngest entry.
  table.set('0', 0, 1_000)
  assert.equal(table.size, ENTRIES_MAX)
  table.set('new', 1, 1_000)
  assert.equal(table.size, ENTRIES_MAX - DROPPED_AT_ONCE + 1)
  const isThere = (key: string) => table.get(key, 0) !== undefined
  assert.deepEqual([isThere('1'), isThere(`${DROPPED_AT_ONCE}`)], [false, false])
  assert.deepEqual([isThere(`${DROPPED_AT_ONCE + 1}`), isThere('0'), isThere('new')], [true, true, true])
})
