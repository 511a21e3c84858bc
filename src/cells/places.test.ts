import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type CellFds, createCells, localCells, openCells } from './cells.js'
import { listenerPlace, NO_LIMIT, poolPlace, queuePlace, type Shape } from './layout.js'
import { Places } from './places.js'

const SHAPE: Shape = { children: 3, remotes: 2, listeners: 3, pools: 2, ringBytes: 64 }
const MAX = 3
const ROUNDS = 200_000

interface Task {
  readonly fds: CellFds
  readonly slot: number
}

/** Takes and gives back as fast as it can; returns the highest number of sessions that it has seen. */
function compete({ fds, slot }: Task): number {
  const cells = openCells(fds, SHAPE, slot)
  const places = new Places(cells, cells.own)
  let highest = 0
  for (let round = 0; round < ROUNDS; round++) {
    if (!places.take(0)) continue
    highest = Math.max(highest, Atomics.load(cells.use, 0))
    if (places.take(0)) places.giveBack(0)
    places.giveBack(0)
  }
  cells.unmap()
  return highest
}

if (!isMainThread) {
  parentPort?.postMessage(compete(workerData as Task))
} else {
  test('every remote, listener, pool and queue has a place of its own', () => {
    const slots = (count: number) => Array.from({ length: count }, (_, slot) => slot)
    const places = [
      ...slots(SHAPE.remotes),
      ...slots(SHAPE.listeners).map((slot) => listenerPlace(SHAPE, slot)),
      ...slots(SHAPE.pools).map((slot) => poolPlace(SHAPE, slot)),
      ...slots(SHAPE.pools).map((slot) => queuePlace(SHAPE, slot)),
    ]
    const { use } = localCells(SHAPE)
    assert.deepEqual(places, [...use.keys()])
  })

  test('a worker takes places up to the limit and counts its own', () => {
    const cells = localCells(SHAPE)
    const [one, other] = [cells.child(0), cells.child(1)]
    const [first, second] = [new Places(cells, one), new Places(cells, other)]
    cells.useMax[1] = 2
    assert.deepEqual([first.take(1), second.take(1), first.take(1)], [true, true, false])
    assert.deepEqual([one.use[1], other.use[1], cells.use[1], first.hasRoom(1)], [1, 1, 2, false])
    second.giveBack(1)
    assert.deepEqual([first.hasRoom(1), first.take(1), first.countOf(1)], [true, true, 2])
    for (let i = 0; i < 100; i++) assert.ok(first.take(0), 'it has no limit')
    assert.equal(cells.useMax[0], NO_LIMIT)
  })

  test('no place is free while a session moves to another worker', () => {
    const cells = localCells(SHAPE)
    const [from, to] = [new Places(cells, cells.child(0)), new Places(cells, cells.child(1))]
    cells.useMax[0] = 1
    assert.ok(from.take(0))
    from.handOver(0)
    assert.deepEqual([to.take(0), cells.child(0).use[0]], [false, 0])
    to.takeOver(0)
    cells.giveBack(1)
    assert.equal(cells.use[0], 0, 'the receiver held it')
  })

  test('threads that compete for the last places never exceed the limit', { timeout: 30_000 }, async () => {
    const { cells, close, fdsOf } = createCells(SHAPE)
    cells.useMax[0] = MAX
    const workers = [0, 1].map((slot) => {
      const task: Task = { fds: fdsOf(slot), slot }
      return new Worker(new URL(import.meta.url), { workerData: task })
    })
    const highest = await Promise.all(
      workers.map((worker) => new Promise<number>((resolve) => worker.once('message', resolve))),
    )
    assert.ok(
      highest.every((seen) => seen > 0 && seen <= MAX),
      `at most ${highest}`,
    )
    assert.equal(cells.use[0], 0)
    close()
  })
}
