import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NONE } from '../balance/policy.js'
import { StickyTable, stickyBytes } from '../cells/sticky-table.js'
import { SOURCE_KEY } from '../config/client-key-type.js'
import { heapRegion } from '../kernel/region.js'
import { Stickiness, StickyClient } from './stickiness.js'

const TTL = 60_000

/** The same table as several generations have it, each with its own remotes by slot. */
function generations() {
  const region = heapRegion(stickyBytes(64))
  const generation = (names: Readonly<Record<number, string>>) => {
    const members = Object.entries(names).map(([slot, name]) => ({ slot: Number(slot), name }))
    return new Stickiness(SOURCE_KEY, 1, new StickyTable(region, TTL), members)
  }
  return { generation, region }
}

test('a client keeps the remote that it got first', () => {
  const { generation } = generations()
  const pool = generation({ 3: 'a', 5: 'b' })
  const client = new StickyClient(pool, 1, 2)
  assert.equal(client.remote(0), NONE)
  client.chose(5, 0)
  const again = new StickyClient(pool, 1, 2)
  assert.equal(again.remote(1_000), 5)
  again.chose(3, 1_000)
  assert.equal(new StickyClient(pool, 1, 2).remote(2_000), 5, 'another remote for that connection only')
  assert.equal(new StickyClient(pool, 1, 3).remote(2_000), NONE)
})

test('a new client whose first remote fails keeps the one that it ends up with', () => {
  const pool = generations().generation({ 0: 'a', 1: 'b' })
  const client = new StickyClient(pool, 1, 2)
  assert.equal(client.remote(0), NONE)
  client.chose(0, 0)
  assert.equal(client.remote(10), 0)
  client.chose(1, 10)
  assert.equal(new StickyClient(pool, 1, 2).remote(20), 1)
})

test('after a reload that moves remotes to other slots clients keep theirs, and lose those that are gone', () => {
  const { generation } = generations()
  const before = generation({ 0: 'a', 1: 'b' })
  before.set(1, 1, 0, 0)
  before.set(2, 2, 1, 0)
  const after = generation({ 0: 'c', 7: 'b' })
  assert.equal(after.find(1, 1, 1), NONE, 'not the remote that has the slot now')
  assert.equal(after.find(2, 2, 1), 7)
  const client = new StickyClient(after, 1, 1)
  client.remote(2)
  client.chose(0, 2)
  assert.equal(after.find(1, 1, 3), 0)
})

test('remotes of the same name are distinguished by their order', () => {
  const pool = generations().generation({ 4: 'a', 9: 'a' })
  pool.set(1, 1, 4, 0)
  pool.set(2, 2, 9, 0)
  assert.deepEqual([pool.find(1, 1, 1), pool.find(2, 2, 1)], [4, 9])
})

test('the TTL begins again at the end of a session, even if the session was longer', () => {
  const pool = generations().generation({ 0: 'a', 1: 'b' })
  const client = new StickyClient(pool, 1, 2)
  client.remote(0)
  client.chose(1, 0)
  client.left(1, 10 * TTL)
  assert.equal(new StickyClient(pool, 1, 2).remote(11 * TTL - 100), 1)
  client.left(0, 11 * TTL)
  assert.equal(new StickyClient(pool, 1, 2).remote(11 * TTL), 1, 'an older session changes nothing')
})

test('whatever a compromised worker writes, the remote is one of the pool', () => {
  const bytes = fc.uint8Array({ minLength: 1_024, maxLength: 1_024 })
  fc.assert(
    fc.property(bytes, fc.integer(), fc.integer(), fc.nat(), (written, first, second, nowMs) => {
      const { generation, region } = generations()
      const pool = generation({ 2: 'a', 6: 'b' })
      region.bytes.set(written)
      // The key of an entry that the worker has made up.
      const words = new Int32Array(region.bytes.buffer)
      for (let at = 0; at < words.length; at += 4) {
        words[at] = first ^ (words[at + 2] ?? 0)
        words[at + 1] = second ^ (words[at + 2] ?? 0)
        words[at + 3] = Math.floor(nowMs / 100)
      }
      assert.ok([NONE, 2, 6].includes(pool.find(first | 0, second | 0, nowMs)))
    }),
  )
})
