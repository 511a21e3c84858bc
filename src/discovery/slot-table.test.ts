import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SlotTable } from './slot-table.js'

const FREE = () => false
/** Long after members have left. */
const LATER_MS = 10_000

test('a member that returns gets its slot again, and others get slots that nobody has had', () => {
  const table = new SlotTable(3)
  assert.equal(table.enter('a', FREE, LATER_MS), 0)
  assert.equal(table.enter('b', FREE, LATER_MS), 1)
  assert.equal(table.leave('a', 0), 0)
  assert.equal(table.enter('c', FREE, LATER_MS), 2)
  assert.equal(table.enter('a', FREE, LATER_MS), 0)
  assert.equal(table.enter('a', FREE, LATER_MS), 0)
})

test('a slot with sessions of a member that has left is not given to another one', () => {
  const table = new SlotTable(2)
  table.enter('a', FREE, LATER_MS)
  table.enter('b', FREE, LATER_MS)
  table.leave('a', 0)
  assert.equal(
    table.enter('c', (slot) => slot === 0, LATER_MS),
    undefined,
  )
  assert.equal(table.enter('c', FREE, LATER_MS), 0)
  assert.equal(table.of('c'), 0)
})

test('a slot is empty for a while before another member gets it', () => {
  const table = new SlotTable(1)
  table.enter('a', FREE, 0)
  table.leave('a', 5_000)
  assert.equal(table.enter('b', FREE, 5_999), undefined)
  assert.equal(table.enter('a', FREE, 5_999), 0)
  table.leave('a', 5_000)
  assert.equal(table.enter('b', FREE, 6_000), 0)
})

test('slots that are in use since before the table are not given out', () => {
  const table = new SlotTable(3)
  assert.equal(
    table.enter('a', (slot) => slot < 2, LATER_MS),
    2,
  )
  table.enter('b', FREE, LATER_MS)
  table.resize(0)
  table.resize(2)
  assert.equal(
    table.enter('c', (slot) => slot === 0, LATER_MS),
    1,
  )
})

test('with fewer slots the members of the others lose theirs', () => {
  const table = new SlotTable(3)
  for (const name of ['a', 'b', 'c']) table.enter(name, FREE, LATER_MS)
  table.leave('a', 0)
  assert.deepEqual(table.resize(2), ['c'])
  assert.equal(table.enter('c', FREE, LATER_MS), 0)
  assert.equal(table.enter('d', FREE, LATER_MS), undefined)
  table.resize(3)
  assert.equal(table.enter('d', FREE, LATER_MS), 2)
})

test('no two members have one slot, and none gets one in use by another', () => {
  const step = fc.record({
    name: fc.integer({ min: 0, max: 9 }),
    joins: fc.boolean(),
    busy: fc.nat({ max: 255 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const table = new SlotTable(8)
      const present = new Map<number, number>()
      const last = new Map<number, number>()
      for (const { busy, joins, name } of steps) {
        if (!joins) {
          table.leave(String(name), 0)
          present.delete(name)
          continue
        }
        const wasThere = present.get(name)
        const slot = table.enter(String(name), (one) => ((busy >> one) & 1) === 1, LATER_MS)
        if (slot === undefined) continue
        if (wasThere !== undefined) assert.equal(slot, wasThere)
        else {
          assert.ok(![...present.values()].includes(slot))
          const isOther = last.has(slot) && last.get(slot) !== name
          if (isOther) assert.equal((busy >> slot) & 1, 0)
        }
        present.set(name, slot)
        last.set(slot, name)
      }
    }),
  )
})
