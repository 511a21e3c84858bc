import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SharedCells } from './shared-cells.js'

const SHAPE = { children: 2, remotes: 2, listeners: 1, ringBytes: 64 }
const CAPACITY = 34

test('a remote keeps its slot from one configuration to the next', () => {
  const shared = new SharedCells(SHAPE)
  const [first, second, third] = [{}, {}, {}]
  assert.deepEqual(shared.enter(first, ['a', 'b']), [0, 1])
  assert.deepEqual(shared.enter(second, ['b', 'c']), [1, 2])
  shared.leave(first)
  assert.deepEqual(shared.enter(third, ['d', 'c', 'b']), [0, 2, 1], 'a is no longer anybody')
  shared.leave(second)
  shared.leave(third)
})

test('a name that is there twice is two remotes', () => {
  const shared = new SharedCells(SHAPE)
  const [first, second] = [{}, {}]
  assert.deepEqual(shared.enter(first, ['a', 'a']), [0, 1])
  assert.deepEqual(shared.enter(second, ['b', 'a', 'a']), [2, 0, 1])
  shared.leave(first)
  shared.leave(second)
})

test('too many remotes are told, and cost the others nothing', () => {
  const shared = new SharedCells(SHAPE)
  const [first, second] = [{}, {}]
  const many = (count: number) => Array.from({ length: count }, (_, i) => `new ${i}`)
  shared.enter(first, ['a'])
  assert.equal(shared.enter(second, many(CAPACITY)), undefined)
  assert.equal(shared.enter(second, many(CAPACITY - 1))?.length, CAPACITY - 1)
  shared.leave(first)
  shared.leave(second)
})

test('no two remotes in use share a slot, and what stays keeps its own', () => {
  const step = fc.record({
    names: fc.array(fc.constantFrom(...'abcdefgh'), { minLength: 1, maxLength: 6 }),
    ends: fc.nat({ max: 5 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const shared = new SharedCells(SHAPE)
      const users: { user: object; slots: Map<string, number> }[] = []
      for (const { ends, names } of steps) {
        const user = {}
        const slots = shared.enter(user, names) ?? []
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
        if (ended !== undefined) shared.leave(ended.user)
      }
      for (const { user } of users) shared.leave(user)
    }),
  )
})
