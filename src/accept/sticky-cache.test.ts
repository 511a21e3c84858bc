import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StickyCache } from './sticky-cache.js'

test('an entry expires after the period', () => {
  const cache = new StickyCache({ periodMs: 100, size: 10 })
  cache.note('a', 3, 1_000)
  assert.equal(cache.find('a', 1_000), 3)
  assert.equal(cache.find('a', 1_100), 3)
  assert.equal(cache.find('a', 1_101), undefined)
  assert.equal(cache.find('b', 1_000), undefined)
})

test('each connection restarts the period, possibly with another child', () => {
  const cache = new StickyCache({ periodMs: 100, size: 10 })
  cache.note('a', 3, 1_000)
  cache.note('a', 3, 1_090)
  assert.equal(cache.find('a', 1_190), 3)
  cache.note('a', 5, 1_190)
  assert.equal(cache.find('a', 1_190), 5)
  assert.equal(cache.size, 1)
})

test('a lookup does not restart the period', () => {
  const cache = new StickyCache({ periodMs: 100, size: 10 })
  cache.note('a', 3, 1_000)
  cache.find('a', 1_090)
  assert.equal(cache.find('a', 1_101), undefined)
})

test('evicts the least recently used client when it is full', () => {
  const cache = new StickyCache({ periodMs: 1_000, size: 2 })
  cache.note('a', 1, 0)
  cache.note('b', 2, 1)
  cache.note('a', 1, 2)
  cache.note('c', 3, 3)
  assert.deepEqual(
    ['a', 'b', 'c'].map((client) => cache.find(client, 3)),
    [1, undefined, 3],
  )
  assert.equal(cache.size, 2)
})

test('removing a child removes only its clients', () => {
  const cache = new StickyCache({ periodMs: 1_000, size: 10 })
  for (const [client, slot] of [
    ['a', 0],
    ['b', 1],
    ['c', 0],
  ] as const)
    cache.note(client, slot, 0)
  cache.forgetChild(0)
  assert.deepEqual(
    ['a', 'b', 'c'].map((client) => cache.find(client, 0)),
    [undefined, 1, undefined],
  )
  assert.equal(cache.size, 1)
})

test('holds exactly the most recent clients, in any order of arrival', () => {
  const client = fc.integer({ min: 0, max: 9 }).map(String)
  fc.assert(
    fc.property(fc.array(client, { maxLength: 60 }), fc.integer({ min: 1, max: 6 }), (clients, size) => {
      const cache = new StickyCache({ periodMs: 1_000_000, size })
      for (const [at, name] of clients.entries()) cache.note(name, at, 0)
      const lastFirst = [...new Set([...clients].reverse())]
      for (const [at, name] of lastFirst.entries()) {
        assert.equal(cache.find(name, 0), at < size ? clients.lastIndexOf(name) : undefined)
      }
      assert.ok(cache.size <= size)
    }),
  )
})
