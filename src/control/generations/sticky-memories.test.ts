import assert from 'node:assert/strict'
import { fstatSync } from 'node:fs'
import { test } from 'node:test'
import { openStickyTable } from '../../cells/sticky-table.js'
import { SOURCE_KEY } from '../../config/client-key-type.js'
import { StickyMemories } from './sticky-memories.js'

const poolOf = (name: string, entries?: number) => {
  const sticky = entries === undefined ? undefined : { key: SOURCE_KEY, ttlMs: 1_000, entries }
  return { name, sticky }
}

const isOpen = (fd: number | undefined) => {
  try {
    return fd !== undefined && fstatSync(fd).size > 0
  } catch {
    return false
  }
}

test('only sticky pools have memory, each its own', () => {
  const memories = new StickyMemories([poolOf('a', 16), poolOf('b'), poolOf('c', 100)], undefined)
  const [a, b, c] = memories.shares
  assert.deepEqual([a?.entries, b, c?.entries, memories.count], [16, undefined, 100, 2])
  assert.notEqual(a?.fd, c?.fd)
  assert.notEqual(a?.seed, c?.seed)
  memories.close()
  memories.close()
  assert.deepEqual([isOpen(a?.fd), isOpen(c?.fd)], [false, false])
})

test('a pool keeps its table over reloads, in any order of ends, until its size changes', () => {
  const first = new StickyMemories([poolOf('a', 16), poolOf('b', 16)], undefined)
  const second = new StickyMemories([poolOf('new', 16), poolOf('b', 32), poolOf('a', 16)], first)
  const [a, b] = first.shares
  const [, resized, same] = second.shares
  assert.deepEqual(same, a)
  assert.notEqual(resized?.fd, b?.fd)
  if (a === undefined) return assert.fail()
  const table = openStickyTable(a, 1_000)
  table.put(1, 2, 3, 0)
  first.close()
  assert.deepEqual([isOpen(a.fd), isOpen(b?.fd)], [true, false])
  const third = new StickyMemories([poolOf('a', 16)], second)
  second.close()
  const [shared] = third.shares
  if (shared === undefined) return assert.fail()
  const again = openStickyTable(shared, 1_000)
  assert.equal(again.find(1, 2, 0), 3)
  third.close()
  assert.equal(isOpen(a.fd), false)
  assert.equal(again.find(1, 2, 0), 3, 'what is mapped stays')
  table.close()
  again.close()
})

test('what was created is freed if the memory of a later pool cannot be', () => {
  const descriptors = () => new StickyMemories([poolOf('x', 16)], undefined)
  const before = descriptors()
  const [share] = before.shares
  before.close()
  assert.throws(() => new StickyMemories([poolOf('a', 16), poolOf('b', -16)], undefined), /shared memory/)
  const after = descriptors()
  assert.equal(after.shares[0]?.fd, share?.fd, 'the descriptors are free again')
  after.close()
})
