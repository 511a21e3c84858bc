import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChildTable, type TrackedChild } from './child-table.js'

const OLD = { name: 'old' }
const PRESENT = { name: 'present' }
const NEXT = { name: 'next' }

const slotsOf = (children: readonly TrackedChild[]) => children.map(({ slot }) => slot).join()

/** Two children of each generation; the first of each serves. */
function table(): ChildTable {
  const table = new ChildTable()
  table.putInForce(PRESENT)
  table.setNext(NEXT)
  for (const [i, generation] of [OLD, PRESENT, NEXT].entries()) {
    for (const slot of [2 * i, 2 * i + 1]) table.add({ slot, generation, phase: 'starting' })
    table.served(2 * i)
  }
  return table
}

test('children are distinguished by their generation', () => {
  const { active, all, fresh, outdated, size } = table()
  assert.deepEqual([active, fresh, outdated, all].map(slotsOf), ['2,3', '4,5', '0,1', '0,1,2,3,4,5'])
  assert.equal(size, 6)
})

test('retiring children belong to none of them', () => {
  const children = table()
  for (const slot of [0, 2, 4]) children.retired(slot)
  const { active, fresh, outdated, retiring } = children
  assert.deepEqual([active, fresh, outdated, retiring].map(slotsOf), ['3', '5', '1', '0,2,4'])
})

test('a child that reports late that it serves is still retiring', () => {
  const children = table()
  children.retired(3)
  children.served(3)
  assert.equal(children.get(3)?.phase, 'retiring')
})

test('the prepared generation is the present one once it is in force', () => {
  const children = table()
  children.putInForce(NEXT)
  assert.deepEqual([children.active, children.fresh, children.outdated].map(slotsOf), ['4,5', '', '0,1,2,3'])
})

test('a generation that is given up is outdated', () => {
  const children = table()
  children.setNext(undefined)
  assert.equal(slotsOf(children.outdated), '0,1,4,5')
})

test('a slot without a child is ignored, and may be taken again', () => {
  const children = table()
  children.delete(5)
  children.served(5)
  children.retired(5)
  assert.equal(children.get(5), undefined)
  children.add({ slot: 5, generation: NEXT, phase: 'starting' })
  assert.equal(slotsOf(children.fresh), '4,5')
})
