import assert from 'node:assert/strict'
import { fstatSync } from 'node:fs'
import { test } from 'node:test'
import { generationOf, loadedMaster } from '../../../test/support/generations.js'
import type { Generation } from './generation.js'
import type { Wishes } from './generation-health.js'

const isOpen = (fd: number) => {
  try {
    fstatSync(fd)
    return true
  } catch {
    return false
  }
}

/** Whether the memory is still there, by the descriptor that a child would get. */
function memoryOf(generation: Generation): () => boolean {
  const { head } = generation.memory.fdsOf(0)
  return () => isOpen(head)
}

test('closes the memory when the generation is not in force and its last child has ended', async (t) => {
  const generation = generationOf(await loadedMaster(t))
  const hasMemory = memoryOf(generation)
  for (const slot of [0, 1]) generation.enter(slot)
  generation.retire()
  generation.leave(0)
  assert.ok(hasMemory())
  generation.leave(1)
  assert.ok(!hasMemory())
})

test('a generation in force keeps its memory without children', async (t) => {
  const generation = generationOf(await loadedMaster(t))
  const hasMemory = memoryOf(generation)
  generation.enter(0)
  generation.leave(0)
  assert.ok(hasMemory())
  generation.retire()
  assert.ok(!hasMemory())
})

test('a generation that retires twice leaves its memory once', async (t) => {
  const loaded = await loadedMaster(t)
  const old = generationOf(loaded)
  const { memory } = old
  const leaves = t.mock.method(memory, 'leave')
  old.retire()
  old.retire()
  assert.equal(leaves.mock.callCount(), 1)
})

test('the next generation shares the memory, which the last of both closes', async (t) => {
  const loaded = await loadedMaster(t)
  const old = generationOf(loaded)
  const next = generationOf(loaded, old)
  assert.equal(next.memory, old.memory)
  assert.deepEqual(next.remoteSlots, old.remoteSlots, 'a remote keeps its slot')
  const hasMemory = memoryOf(old)
  old.enter(0)
  old.retire()
  next.retire()
  assert.ok(hasMemory())
  old.leave(0)
  assert.ok(!hasMemory())
})

test('the rows of a front keep the memory until the front is closed', async (t) => {
  const generation = generationOf(await loadedMaster(t), undefined, true)
  const { front, memory } = generation
  assert.equal(front?.childSlot, memory.shape.children - 1, 'no child has that slot')
  const hasMemory = memoryOf(generation)
  generation.retire()
  assert.ok(hasMemory())
  generation.closeFront()
  assert.ok(!hasMemory())
})

test('what a child has counted is given back when it leaves, once', async (t) => {
  const generation = generationOf(await loadedMaster(t))
  const { cells } = generation.memory
  generation.enter(0)
  const [slot = 0] = generation.remoteSlots
  cells.child(0).use[slot] = 3
  cells.use[slot] = 5
  const givesBack = t.mock.method(generation.memory, 'giveBack')
  generation.leave(0)
  assert.equal(cells.use[slot], 2)
  assert.equal(givesBack.mock.callCount(), 1)
  generation.retire()
})

test('memory that replaces one without room has what policies remember of the same remotes', async (t) => {
  const loaded = await loadedMaster(t)
  const old = generationOf(loaded)
  const [there = 0] = old.remoteSlots
  old.memory.cells.policies.connectMs[there] = 7
  t.mock.method(old.memory, 'enter', () => undefined)
  const next = generationOf(loaded, old)
  assert.notEqual(next.memory, old.memory)
  const [slot = 0] = next.remoteSlots
  assert.equal(next.memory.cells.policies.connectMs[slot], 7)
  for (const generation of [old, next]) generation.retire()
})

test('an agent gets its share of the weight of an administrator, and the stricter admin state of both counts', async (t) => {
  const loaded = await loadedMaster(
    t,
    '',
    'remote = { name = a address = 127.0.0.1 port = 1 weight = 4 health = { type = agent port = 2 } }',
  )
  const advice = { weightPercent: 50, adminState: 'drain', drainsSinceMs: 200 } as const
  const override = {
    adminState: 'maint',
    drainsSinceMs: 300,
    weight: { value: 10, insteadOf: 4 },
  } as const
  const stateWith = (wishes: Partial<Wishes>) => {
    const { live, remoteSlots } = generationOf(loaded, undefined, false, wishes)
    const [slot = -1] = remoteSlots
    return [live.weights.get(slot), live.adminStates.get(slot)]
  }
  assert.deepEqual(stateWith({}), [undefined, undefined])
  assert.deepEqual(stateWith({ adviceOf: () => advice }), [2, { state: 'drain', sinceMs: 200 }])
  assert.deepEqual(stateWith({ overrideOf: () => override }), [10, { state: 'maint', sinceMs: 300 }])
  const both = stateWith({ adviceOf: () => advice, overrideOf: () => override })
  assert.deepEqual(both, [5, { state: 'maint', sinceMs: 200 }])
  const outdated = { ...override, weight: { value: 10, insteadOf: 3 } }
  assert.deepEqual(stateWith({ overrideOf: () => outdated })[0], 4)
})
