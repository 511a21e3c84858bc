import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import type { LimitTakerData, LimitTakerOutcome } from '../../test/support/limit-taker.js'
import { FULL, MOVED, TAKEN, UNTRACKED } from '../base/limit-taking.js'
import { heapRegion } from '../kernel/region.js'
import { LimitTable, limitBytes } from './limit-table.js'

const PER_SET = 16

function tableOf(entries: number, held?: Int32Array) {
  const region = heapRegion(limitBytes(entries))
  return { region, table: new LimitTable(region.bytes, { childSlot: 3, held }) }
}

test('a key keeps its entry, and others get other ones', () => {
  const { table } = tableOf(PER_SET)
  assert.equal(table.find(7, 0), UNTRACKED)
  const entry = table.claim(7, 0, 1_000)
  assert.notEqual(table.claim(8, 0, 1_000), entry)
  assert.deepEqual([table.claim(7, 0, 2_000), table.find(7, 0)], [entry, entry])
})

test('the set follows from the place, whatever its sign', () => {
  const { table } = tableOf(4 * PER_SET)
  const sets = [0, 2 ** 30, -(2 ** 31), -1].map((place) => Math.floor(table.claim(1, place, 0) / PER_SET))
  assert.deepEqual(sets, [0, 1, 2, 3])
})

test('evicts the key that was used least recently and has no session', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ tag: fc.integer({ min: 1, max: 30 }), takes: fc.boolean() }), { maxLength: 80 }),
      (steps) => {
        const { table } = tableOf(PER_SET)
        /** By tag in the order of use: sessions. */
        const model = new Map<number, number>()
        steps.forEach(({ tag, takes }, i) => {
          const nowMs = i * 1_000
          const isKnown = model.has(tag)
          const evicted = [...model].find(([, sessions]) => sessions === 0)?.[0]
          const hasRoom = isKnown || model.size < PER_SET || evicted !== undefined
          const entry = table.claim(tag, 0, nowMs)
          assert.equal(entry !== UNTRACKED, hasRoom)
          if (!hasRoom) return
          if (!isKnown && model.size === PER_SET && evicted !== undefined) {
            model.delete(evicted)
            assert.equal(table.find(evicted, 0), UNTRACKED)
          }
          table.use(entry, nowMs)
          const sessions = (model.get(tag) ?? 0) + (takes ? 1 : 0)
          if (takes) assert.equal(table.take(entry, tag, 1_000), TAKEN)
          assert.equal(table.heldOf(entry), sessions)
          model.delete(tag)
          model.set(tag, sessions)
        })
        for (const tag of model.keys()) assert.notEqual(table.find(tag, 0), UNTRACKED)
      },
    ),
  )
})

test('a new key begins without the numbers of the one that it evicts', () => {
  const { table } = tableOf(PER_SET)
  for (let tag = 1; tag <= PER_SET; tag++) {
    const entry = table.claim(tag, 0, 1_000)
    table.moveFullAt(entry, 0, 99)
    table.countRejection(entry, 60_000, 1_000)
  }
  const entry = table.claim(100, 0, 2_000)
  assert.deepEqual([table.fullAt(entry), table.bannedMs(entry, 60_000, 2_000)], [0, 0])
  assert.equal(table.countRejection(entry, 60_000, 2_000), 1)
})

test('a banned key is evicted after all others', () => {
  const { table } = tableOf(PER_SET)
  for (let tag = 1; tag <= PER_SET; tag++) {
    const entry = table.claim(tag, 0, tag * 1_000)
    if (tag <= 2) table.ban(entry, 600_000, tag * 1_000)
  }
  table.claim(100, 0, 60_000)
  assert.deepEqual(
    [1, 2, 3].map((tag) => table.find(tag, 0) === UNTRACKED),
    [false, false, true],
  )
})

test('gives a limited number of places, and notes them', () => {
  const held = new Int32Array(PER_SET)
  const { table } = tableOf(PER_SET, held)
  const entry = table.claim(5, 0, 0)
  const results = [1, 2, 3].map(() => table.take(entry, 5, 2))
  assert.deepEqual([results, table.heldOf(entry), held[entry]], [[TAKEN, TAKEN, FULL], 2, 2])
  table.giveBack(entry)
  assert.deepEqual([table.heldOf(entry), held[entry], table.take(entry, 5, 2)], [1, 1, TAKEN])
  assert.equal(table.take(entry, 6, 5), MOVED)
  assert.deepEqual([table.heldOf(entry), held[entry]], [2, 2])
})

test('a session that moves to another worker keeps its place', () => {
  const region = heapRegion(limitBytes(PER_SET))
  const notes = [new Int32Array(PER_SET), new Int32Array(PER_SET)] as const
  const [from, to] = notes.map((held, childSlot) => new LimitTable(region.bytes, { childSlot, held }))
  const entry = from?.claim(5, 0, 0) ?? assert.fail()
  from?.take(entry, 5, 1)
  from?.handOver(entry)
  to?.takeOver(entry)
  assert.deepEqual([notes[0][entry], notes[1][entry], to?.heldOf(entry)], [0, 1, 1])
})

test('counts rejections within a time of the first one', () => {
  const { table } = tableOf(PER_SET)
  const entry = table.claim(5, 0, 0)
  const counts = [1_000, 2_000, 10_900, 11_000, 20_900].map((atMs) =>
    table.countRejection(entry, 10_000, atMs),
  )
  assert.deepEqual(counts, [1, 2, 3, 1, 2])
  table.clearRejections(entry)
  assert.equal(table.countRejection(entry, 10_000, 20_900), 1)
})

test('a ban ends at its time; one that is longer than configured is none', () => {
  const { table } = tableOf(PER_SET)
  const entry = table.claim(5, 0, 0)
  table.ban(entry, 5_000, 1_000)
  const left = [1_000, 3_000, 5_900, 6_000].map((atMs) => table.bannedMs(entry, 5_000, atMs))
  assert.deepEqual(left, [5_000, 3_000, 100, 0])
  table.ban(entry, 3_600_000, 1_000)
  assert.equal(table.bannedMs(entry, 5_000, 1_000), 0)
})

test('times wrap', () => {
  const { table } = tableOf(PER_SET)
  const wrapMs = 2 ** 31 * 100
  const entry = table.claim(5, 0, wrapMs - 1_000)
  table.ban(entry, 5_000, wrapMs - 1_000)
  assert.equal(table.bannedMs(entry, 5_000, wrapMs + 1_000), 3_000)
  assert.equal(table.unusedMs(entry, wrapMs + 1_000), 2_000)
})

test('the places of a dead worker are given back, but not more than are taken', () => {
  const held = new Int32Array(PER_SET)
  const { region, table } = tableOf(PER_SET, held)
  const [a, b] = [table.claim(1, 0, 0), table.claim(2, 0, 0)]
  table.take(a, 1, 9)
  table.take(a, 1, 9)
  table.take(b, 2, 9)
  const head = new LimitTable(region.bytes, { childSlot: 0, held: undefined })
  head.take(a, 1, 9)
  // A compromised worker may have noted anything.
  held[b] = 1_000
  held[15] = -7
  head.giveBackAll(held)
  assert.deepEqual([head.heldOf(a), head.heldOf(b), head.heldOf(15)], [1, 0, 0])
})

test('a worker that dies while it enters a key leaves neither a lock nor a frozen entry', () => {
  const { region, table } = tableOf(PER_SET)
  const words = new Int32Array(region.bytes.buffer, region.bytes.byteOffset, region.byteLength / 4)
  for (let tag = 1; tag <= PER_SET; tag++) table.claim(tag, 0, tag)
  // The lock of child 3, and the number of sessions of the first entry, as `#enter` leaves them in between.
  words[7 * PER_SET] = 3 + 1
  words[PER_SET] = -(2 ** 30)
  const other = new LimitTable(region.bytes, { childSlot: 1, held: undefined })
  assert.deepEqual([other.claim(99, 0, 100), other.take(0, 1, 5)], [UNTRACKED, MOVED])
  other.openLocksOf(2)
  assert.equal(other.claim(99, 0, 100), UNTRACKED)
  other.openLocksOf(3)
  assert.deepEqual([other.claim(99, 0, 100), other.heldOf(0)], [0, 0])
})

test('finds entries with other sums than the workers have noted', () => {
  const held = new Int32Array(PER_SET)
  const { table } = tableOf(PER_SET, held)
  const [a, b] = [table.claim(1, 0, 0), table.claim(2, 0, 0)]
  for (const [entry, tag] of [
    [a, 1],
    [b, 2],
  ] as const)
    table.take(entry, tag, 9)
  assert.deepEqual([...table.surplus([held])], [])
  // Killed between the two steps of `take`.
  held[b] = 0
  assert.deepEqual([...table.surplus([held])], [[b, 1]])
  table.correct(b, 1)
  assert.equal(table.heldOf(b), 0)
})

test('three workers together give no key more places than it may have', async () => {
  const KEYS = 60
  const MAX = 2
  const buffer = new SharedArrayBuffer(limitBytes(32))
  const counts = new SharedArrayBuffer(KEYS * 4)
  const outcomes = await Promise.all(
    [0, 1, 2].map(async (childSlot) => {
      const data: LimitTakerData = { buffer, counts, childSlot, keys: KEYS, max: MAX }
      const worker = new Worker(new URL('../../test/support/limit-taker.js', import.meta.url), {
        workerData: data,
      })
      const [outcome] = (await once(worker, 'message')) as [LimitTakerOutcome]
      return outcome
    }),
  )
  const table = new LimitTable(new Uint8Array(buffer), { childSlot: 0, held: undefined })
  const left = Array.from({ length: table.size }, (_, entry) => table.heldOf(entry))
  assert.deepEqual([...new Set(left)], [0])
  assert.deepEqual(
    outcomes.map(({ tooMany }) => tooMany),
    [0, 0, 0],
  )
  for (const { taken } of outcomes) assert.ok(taken > 10_000, `${taken}`)
})
