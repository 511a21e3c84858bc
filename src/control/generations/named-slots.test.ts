import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NamedSlots } from './named-slots.js'

const CAPACITY = 34

test('a name keeps its slot from one configuration to the next', () => {
  const table = new NamedSlots(CAPACITY)
  const [first, second, third] = [{}, {}, {}]
  assert.deepEqual(table.enter(first, ['a', 'b']), [0, 1])
  assert.deepEqual(table.enter(second, ['b', 'c']), [1, 2])
  table.leave(first)
  assert.deepEqual(table.enter(third, ['d', 'c', 'b']), [0, 2, 1], 'a is no longer anybody')
})

test('a name that is given twice has two slots', () => {
  const table = new NamedSlots(CAPACITY)
  const [first, second] = [{}, {}]
  assert.deepEqual(table.enter(first, ['a', 'a']), [0, 1])
  assert.deepEqual(table.enter(second, ['b', 'a', 'a']), [2, 0, 1])
})

test('rejects names that do not fit, and keeps the slots of others', () => {
  const table = new NamedSlots(CAPACITY)
  const [first, second] = [{}, {}]
  const many = (count: number) => Array.from({ length: count }, (_, i) => `new ${i}`)
  table.enter(first, ['a'])
  assert.equal(table.enter(second, many(CAPACITY)), undefined)
  assert.equal(table.enter(second, many(CAPACITY - 1))?.length, CAPACITY - 1)
})

test('no two names in use share a slot, and a name that stays keeps its own', () => {
  const step = fc.record({
    names: fc.array(fc.constantFrom(...'abcdefgh'), { minLength: 1, maxLength: 6 }),
    ends: fc.nat({ max: 5 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const table = new NamedSlots(CAPACITY)
      const users: { user: object; slots: Map<string, number> }[] = []
      for (const { ends, names } of steps) {
        const user = {}
        const slots = table.enter(user, names) ?? []
        const keys = names.map((name, i) => name + names.slice(0, i).filter((other) => other === name).length)
        const byKey = new Map(keys.map((key, i) => [key, slots[i] as number]))
        assert.equal(new Set(slots).size, names.length)
        for (const { slots: others } of users) {
          for (const [key, slot] of others) {
            if (byKey.has(key)) assert.equal(byKey.get(key), slot)
            else assert.ok(!slots.includes(slot), `${key} and another one have ${slot}`)
          }
        }
        users.push({ user, slots: byKey })
        const [ended] = users.length > 1 ? users.splice(ends % users.length, 1) : []
        if (ended !== undefined) table.leave(ended.user)
      }
    }),
  )
})
