import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NONE_KEPT, splitListeners } from './kept-listeners.js'

const LISTENERS = new Map([
  [0, 'a'],
  [1, 'b'],
  [2, 'c'],
])

test('listeners that stay get their new slots, the others keep their old ones', () => {
  const kept = new Map([
    [0, 2],
    [2, 0],
  ])
  const { abandoned, staying } = splitListeners(LISTENERS, kept)
  assert.deepEqual(
    [...staying],
    [
      [2, 'a'],
      [0, 'c'],
    ],
  )
  assert.deepEqual([...abandoned], [[1, 'b']])
})

test('a kept listener that is not open is ignored: its reactor never got it', () => {
  const { abandoned, staying } = splitListeners(LISTENERS, new Map([[7, 0]]))
  assert.deepEqual([staying.size, [...abandoned.keys()]], [0, [0, 1, 2]])
})

test('nothing is kept', () => {
  assert.equal(splitListeners(LISTENERS, NONE_KEPT).abandoned.size, 3)
})
