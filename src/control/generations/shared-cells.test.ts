import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { LISTENER_COUNTERS } from '../../cells/layout.js'
import { COUNT, LISTENER_COUNT, REMOTE_COUNT } from '../../observe/counters.js'
import { CounterKeeper } from '../../services/counter-keeper.js'
import { SharedCells } from './shared-cells.js'

const SHAPE = { children: 4, remotes: 2, listeners: 1, pools: 1, ringBytes: 64 }
const NAMES = { remotes: ['db1', 'db2'], listeners: ['front'], pools: [] }
const ROUNDS = 1_000

/** What a child does, in a thread of its own: it opens the cells by their descriptors and counts in them. */
const COUNTING = `
  const { workerData } = require('node:worker_threads')
  const { cellsUrl, countersUrl, fds, shape, childSlot, listenerSlots, rounds } = workerData
  Promise.all([import(cellsUrl), import(countersUrl)]).then(([{ openCells }, { COUNT, LISTENER_COUNT, REMOTE_COUNT, add, counterTables }]) => {
    const cells = openCells(fds, shape, childSlot)
    const { counters, listenerCounters, remoteCounters } = counterTables(cells.own, listenerSlots)
    for (let i = 0; i < rounds; i++) {
      add(counters, COUNT.accepted, 1)
      listenerCounters.add(0, LISTENER_COUNT.accepted, 1)
      remoteCounters.add(1, REMOTE_COUNT.bytesToRemote, 100)
    }
    listenerCounters.add(0, LISTENER_COUNT.sessionsNow, 3)
    cells.unmap()
  })`

async function count(
  shared: SharedCells,
  childSlot: number,
  listenerSlots: readonly number[],
): Promise<void> {
  const workerData = {
    cellsUrl: new URL('../../cells/cells.js', import.meta.url).href,
    countersUrl: new URL('../../observe/counters.js', import.meta.url).href,
    fds: shared.fdsOf(childSlot),
    shape: shared.shape,
    childSlot,
    listenerSlots,
    rounds: ROUNDS,
  }
  const worker = new Worker(COUNTING, { eval: true, workerData })
  await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
}

test('what a thread has counted outlives its child, its memory and its slots', {
  timeout: 20_000,
}, async () => {
  const keeper = new CounterKeeper()
  const shared = new SharedCells(SHAPE, keeper)
  const user = {}
  const slots = shared.enter(user, NAMES)
  assert.ok(slots)
  shared.startCounting(user, 0)
  await count(shared, 0, slots.listeners)
  const living = keeper.read()
  assert.equal(living.process.accepted, ROUNDS)
  assert.equal(living.listeners.get('front')?.accepted, ROUNDS)
  assert.equal(living.listeners.get('front')?.sessionsNow, 3)
  assert.equal(living.remotes.get('db1')?.bytesToRemote, 0)
  assert.equal(living.remotes.get('db2')?.bytesToRemote, ROUNDS * 100)
  shared.giveBack(0)
  shared.giveBack(0)
  const { listeners, process, remotes } = keeper.read()
  assert.equal(process.accepted, ROUNDS, 'kept once')
  assert.equal(listeners.get('front')?.sessionsNow, 0, 'gauges go with their child')
  shared.startCounting(user, 0)
  await count(shared, 0, slots.listeners)
  shared.leave(user)
  const other = new SharedCells(SHAPE, keeper)
  assert.deepEqual(other.enter(user, { remotes: ['db2'], listeners: [], pools: [] }), {
    remotes: [0],
    listeners: [],
    pools: [],
  })
  other.startCounting(user, 1)
  const row = other.cells.child(1).remoteCounters
  row[REMOTE_COUNT.bytesToRemote] = 1
  const after = keeper.read()
  assert.equal(after.process.accepted, 2 * ROUNDS)
  assert.equal(after.remotes.get('db2')?.bytesToRemote, ROUNDS * 200 + 1)
  assert.equal(after.listeners.get('front')?.accepted, 2 * ROUNDS)
  assert.equal(remotes.get('db2')?.bytesToRemote, ROUNDS * 100)
  other.leave(user)
})

test('listeners and remotes keep their slots while a configuration takes them over', () => {
  const shared = new SharedCells(SHAPE, new CounterKeeper())
  const [first, second] = [{}, {}]
  shared.enter(first, NAMES)
  const slots = shared.enter(second, { remotes: ['db2'], listeners: ['new', 'front'], pools: [] })
  assert.deepEqual(slots, { remotes: [1], listeners: [1, 0], pools: [] })
  shared.leave(first)
  shared.leave(second)
})

test('a configuration that does not fit takes no slot of either kind', () => {
  const shared = new SharedCells(SHAPE, new CounterKeeper())
  const [first, second] = [{}, {}]
  shared.enter(first, { remotes: [], listeners: [], pools: [] })
  const many = Array.from({ length: 40 }, (_, i) => `listener ${i}`)
  assert.equal(shared.enter(second, { remotes: ['db1'], listeners: many, pools: [] }), undefined)
  assert.equal(shared.enter(second, { remotes: ['db1'], listeners: [], pools: many }), undefined)
  assert.deepEqual(shared.enter(second, { remotes: ['db2'], listeners: [], pools: ['a'] })?.remotes, [0])
  shared.leave(first)
  shared.leave(second)
})

test('the fronts of two configurations count beside each other, and beside all children', () => {
  const keeper = new CounterKeeper()
  const shared = new SharedCells(SHAPE, keeper)
  const [old, next] = [{}, {}]
  for (const user of [old, next]) {
    const slots = shared.enter(user, NAMES)
    const slot = shared.frontSlot()
    shared.startCounting(user, slot)
    shared.cells.child(slot).listenerCounters[LISTENER_COUNT.rejected] = 1
    assert.deepEqual(slots?.listeners, [0])
  }
  assert.equal(shared.frontSlot(), SHAPE.children - 3)
  assert.equal(keeper.read().listeners.get('front')?.rejected, 2)
  shared.giveBack(SHAPE.children - 1)
  shared.leave(old)
  assert.equal(keeper.read().listeners.get('front')?.rejected, 2)
  assert.equal(shared.frontSlot(), SHAPE.children - 1)
  shared.leave(next)
  assert.equal(keeper.read().listeners.get('front')?.rejected, 2, 'kept when the memory goes')
})

test('a child of a configuration that has left counts for its process alone', () => {
  const keeper = new CounterKeeper()
  const shared = new SharedCells(SHAPE, keeper)
  const [first, second] = [{}, {}]
  shared.enter(first, NAMES)
  shared.enter(second, NAMES)
  shared.leave(second)
  shared.startCounting(second, 0)
  const rows = shared.cells.child(0)
  rows.counters[COUNT.ended] = 5
  rows.listenerCounters.fill(5, 0, LISTENER_COUNTERS.length)
  assert.equal(keeper.read().process.ended, 5)
  assert.equal(keeper.read().listeners.size, 0)
  shared.leave(first)
})

test('what policies remember stays with the name of a remote, in new memory too', () => {
  const shared = new SharedCells(SHAPE, new CounterKeeper())
  const named = (...remotes: readonly string[]) => ({ remotes, listeners: [], pools: [] })
  const [first, second, third] = [{}, {}, {}]
  shared.enter(first, named('a', 'b'))
  const { turns } = shared.cells.policies
  turns.set([5, 6])
  shared.enter(second, named('b'))
  shared.leave(first)
  assert.deepEqual([...turns.slice(0, 2)], [5, 6])
  shared.enter(third, named('new', 'b'))
  assert.deepEqual([...turns.slice(0, 2)], [0, 6], 'the slot of another remote')
  turns[0] = 7

  const larger = new SharedCells({ ...SHAPE, remotes: 4 }, new CounterKeeper())
  larger.enter(first, named('b', 'c', 'new'))
  larger.rememberFrom(shared)
  assert.deepEqual([...larger.cells.policies.turns.slice(0, 3)], [6, 0, 7])
  for (const user of [second, third]) shared.leave(user)
  larger.leave(first)
})
