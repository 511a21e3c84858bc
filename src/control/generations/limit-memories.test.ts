import assert from 'node:assert/strict'
import { fstatSync } from 'node:fs'
import { test } from 'node:test'
import type { LimitKeyPlan } from '../../admission/limit-plan.js'
import { openLimitTables } from '../../cells/limit-memory.js'
import type { LimitTable } from '../../cells/limit-table.js'
import { checkLimitMemories, LimitMemories } from './limit-memories.js'

const SOURCE: LimitKeyPlan = { by: 'source', ipv4Bits: 32, ipv6Bits: 64 }
const limitOf = (name: string, entries = 16, key: LimitKeyPlan = SOURCE) => ({ name, entries, key })

const isOpen = (fd: number | undefined) => {
  try {
    return fd !== undefined && fstatSync(fd).size > 0
  } catch {
    return false
  }
}

/** As a child opens them. */
function childOf(memories: LimitMemories, childSlot: number): readonly LimitTable[] {
  const heldFd = memories.openNotes(childSlot)
  const { all } = openLimitTables({ shares: memories.shares, heldFd }, childSlot)
  memories.handedOver(childSlot)
  return all
}

/** Takes a place of a key of a limit. */
function take(table: LimitTable | undefined, tag: number): number {
  if (table === undefined) return assert.fail()
  const entry = table.claim(tag, 0, 0)
  table.take(entry, tag, 1_000)
  return entry
}

test('each limit has a table, which is closed with the last generation that has it', () => {
  const first = new LimitMemories([limitOf('a'), limitOf('b', 100)], undefined)
  const [a, b] = first.shares
  assert.notEqual(a?.fd, b?.fd)
  assert.notEqual(a?.seed, b?.seed)
  const second = new LimitMemories([limitOf('b', 100)], first)
  assert.deepEqual(second.shares, [b])
  first.close()
  first.close()
  assert.deepEqual([isOpen(a?.fd), isOpen(b?.fd)], [false, true])
  second.close()
  assert.equal(isOpen(b?.fd), false)
})

test('another size or key needs another table', () => {
  const first = new LimitMemories([limitOf('a'), limitOf('b')], undefined)
  const second = new LimitMemories([limitOf('a', 32), limitOf('b', 16, { by: 'all' })], first)
  const fds = first.shares.map(({ fd }) => fd)
  for (const { fd } of second.shares) assert.ok(!fds.includes(fd))
  first.close()
  second.close()
})

test('without limits a child gets no memory', () => {
  const memories = new LimitMemories([], undefined)
  assert.deepEqual([memories.openNotes(1), memories.count], [undefined, 0])
  memories.giveBack(1)
  memories.close()
})

test('what a dead child held is given back, over generations that share the table', () => {
  const first = new LimitMemories([limitOf('x'), limitOf('a')], undefined)
  const old = childOf(first, 1)[1]
  const second = new LimitMemories([limitOf('a')], first)
  const [young] = childOf(second, 2)
  const entry = take(old, 7)
  assert.equal(take(young, 7), entry)
  take(young, 7)
  assert.equal(old?.heldOf(entry), 3)
  first.giveBack(1)
  assert.equal(young?.heldOf(entry), 2)
  first.close()
  second.giveBack(2)
  second.giveBack(2)
  assert.equal(young?.heldOf(entry), 0)
  second.close()
})

test('a sum that is wrong after a death is corrected when two checks agree', () => {
  const memories = new LimitMemories([limitOf('a')], undefined)
  const [dying] = childOf(memories, 1)
  const [living] = childOf(memories, 2)
  const entry = take(living, 7)
  // Killed between the sum and the note of it.
  take(dying, 7)
  dying?.handOver(entry)
  const check = () => checkLimitMemories([memories, memories])
  assert.equal(check(), 0)
  memories.giveBack(1)
  assert.deepEqual([check(), living?.heldOf(entry)], [0, 2])
  assert.deepEqual([check(), living?.heldOf(entry)], [1, 1])
  assert.equal(check(), 0)
  memories.giveBack(2)
  memories.close()
})
