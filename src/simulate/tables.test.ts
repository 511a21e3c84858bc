/** Tests of the data structures of a simulation against simple ones. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ClientTable } from './client-table.js'
import { EventHeap } from './event-heap.js'
import { orderByTime } from './order-by-time.js'
import { NO_WORD, WordTable } from './word-table.js'

test('equal addresses have the same number, different ones have different numbers', () => {
  const address = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4, max: 3 }),
    fc.uint8Array({ minLength: 16, maxLength: 16, max: 1 }),
    fc.constant(new Uint8Array(0)),
  )
  fc.assert(
    fc.property(fc.array(address, { maxLength: 200 }), (addresses) => {
      const table = new ClientTable()
      const ids = addresses.map((bytes) => table.idOf(Uint8Array.of(...bytes, 9, 9), bytes.length))
      const known = new Map(addresses.map((bytes, i) => [bytes.join(), ids[i]]))
      assert.deepEqual(
        addresses.map((bytes) => known.get(bytes.join())),
        ids,
      )
      assert.equal(table.count, known.size)
      for (const [i, bytes] of addresses.entries()) {
        const id = ids[i] ?? -1
        const at = table.addressAt(id)
        assert.deepEqual(table.bytes.slice(at, at + table.byteCountOf(id)), bytes)
      }
    }),
  )
})

test('a table of clients grows', () => {
  const table = new ClientTable()
  const bytes = new Uint8Array(4)
  const idOf = (n: number) => {
    bytes.set([n >> 16, n >> 8, n, 7])
    return table.idOf(bytes, 4)
  }
  for (let n = 0; n < 5_000; n++) assert.equal(idOf(n), n)
  for (let n = 0; n < 5_000; n++) assert.equal(idOf(n), n)
})

test('words have numbers, the empty one is NO_WORD', () => {
  const words = new WordTable()
  assert.equal(words.idOf(''), NO_WORD)
  const [a, b] = [words.idOf('a'), words.idOf('b')]
  assert.notEqual(a, b)
  assert.equal(words.idOf('a'), a)
  assert.deepEqual([words.text(a), words.text(NO_WORD), words.text(99)], ['a', '', ''])
})

test('events come in order of time', () => {
  const times = fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 100 })
  fc.assert(
    fc.property(times, fc.array(fc.boolean(), { maxLength: 200 }), (times, pops) => {
      const heap = new EventHeap()
      const waiting: number[] = []
      const left = [...times]
      const popOne = () => {
        const nextMs = Math.min(...waiting)
        assert.equal(heap.nextMs, nextMs)
        const payload = heap.pop()
        assert.equal(times[payload], nextMs)
        waiting.splice(waiting.indexOf(nextMs), 1)
      }
      for (const isPop of pops) {
        const time = isPop ? undefined : left.shift()
        if (time !== undefined) {
          heap.push(time, times.length - left.length - 1)
          waiting.push(time)
        } else if (waiting.length > 0) popOne()
      }
      while (waiting.length > 0) popOne()
      assert.equal(heap.nextMs, Infinity)
    }),
  )
})

test('sorts by time, and equal times keep their order', () => {
  const time = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: -(2 ** 50), max: 2 ** 50 }))
  fc.assert(
    fc.property(fc.array(time, { maxLength: 50 }), (times) => {
      const order = orderByTime(Float64Array.from([...times, 7]), times.length)
      const expected = [...times.keys()].sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0))
      assert.deepEqual([...order], expected)
    }),
  )
})
