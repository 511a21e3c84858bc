import assert from 'node:assert/strict'
import { closeSync } from 'node:fs'
import { test } from 'node:test'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import fc from 'fast-check'
import { mapShared } from '../kernel/memory.js'
import { type Cells, createCells, giveBack, localCells, openCells } from './cells.js'
import { COUNTERS, LAYOUT_VERSION, layoutOf, RING_HEAD_BYTES, rowBytes, type Shape } from './layout.js'

const LINE_BYTES = 64
const ADDS = 200_000
const SHAPE: Shape = { children: 3, remotes: 5, listeners: 2, ringBytes: 1000 }

interface Task {
  readonly fd: number
  readonly shape: Shape
}

function addToUse({ fd, shape }: Task): void {
  const { use } = openCells(fd, shape)
  for (let i = 0; i < ADDS; i++) Atomics.add(use, i % shape.remotes, 1)
}

if (!isMainThread) {
  addToUse(workerData as Task)
  parentPort?.postMessage('done')
} else {
  const shapes = fc.record({
    children: fc.integer({ min: 1, max: 70 }),
    remotes: fc.integer({ min: 0, max: 300 }),
    listeners: fc.integer({ min: 0, max: 50 }),
    ringBytes: fc.integer({ min: 1, max: 5_000 }),
  })

  test('no two writers share a cache line, and nothing lies outside of the memory', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const layout = layoutOf(shape)
        const parts = placesOf(shape).filter(({ end, start }) => end > start)
        const lines = new Map<number, string>()
        for (const { name, start, end } of parts) {
          assert.ok(start >= 0 && end <= layout.byteLength, `${name} lies outside`)
          for (let line = Math.floor(start / LINE_BYTES); line * LINE_BYTES < end; line++) {
            // The head of a ring and its bytes have the same writer.
            const writer = name.replace('ring head', 'ring')
            const other = lines.get(line) ?? writer
            assert.equal(other, writer, `${writer} and ${other} share line ${line}`)
            lines.set(line, writer)
          }
        }
      }),
      { numRuns: 50 },
    )
  })

  test('every view of the cells is the part of the memory that the layout says', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const cells = localCells(shape)
        const found = viewsOf(cells).map(({ name, view }) => {
          return { name, start: view.byteOffset, end: view.byteOffset + view.byteLength }
        })
        const wanted = placesOf(shape)
        assert.deepEqual(
          found.map(({ name, start, end }) => [name, start, end - start]),
          wanted.slice(1).map(({ name, start, end }) => [name, start, end - start]),
        )
      }),
      { numRuns: 50 },
    )
  })

  test('what one mapping writes every other one reads', () => {
    const { fd, cells } = createCells(SHAPE)
    const other = openCells(fd, SHAPE)
    closeSync(fd)
    for (const [index, { view }] of viewsOf(cells).entries()) view.fill(index + 1)
    for (const [index, { name, view }] of viewsOf(other).entries()) {
      assert.ok(
        view.every((value) => value === index + 1),
        `${name} holds ${index + 1}`,
      )
    }
  })

  test('fresh cells are zero', () => {
    for (const { name, view } of viewsOf(createCells(SHAPE).cells)) {
      assert.ok(
        view.every((value) => value === 0),
        name,
      )
    }
  })

  test('memory of another shape or version is refused', () => {
    const { fd } = createCells(SHAPE)
    for (const [key, value] of Object.entries(SHAPE)) {
      const other = { ...SHAPE, [key]: value + 1 }
      assert.throws(
        () => openCells(fd, other),
        /shared memory of another version: 6,3,5,2,1000 instead of/,
        key,
      )
    }
    openCells(fd, SHAPE)
    new Int32Array(mapShared(fd, 64).bytes.buffer, 0, 1)[0] = LAYOUT_VERSION + 1
    assert.throws(() => openCells(fd, SHAPE), /another version: 7,3,5,2,1000 instead of 6,3,5,2,1000/)
    closeSync(fd)
  })

  test('two threads lose no count in `use`', { timeout: 20_000 }, async () => {
    const { fd, cells } = createCells(SHAPE)
    const task: Task = { fd, shape: SHAPE }
    const worker = new Worker(new URL(import.meta.url), { workerData: task })
    await new Promise((resolve) => worker.once('online', resolve))
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    addToUse(task)
    await ended
    assert.deepEqual([...cells.use], new Array(SHAPE.remotes).fill((2 * ADDS) / SHAPE.remotes))
    closeSync(fd)
  })

  test('names of counters are told apart', () => {
    assert.equal(new Set(COUNTERS).size, COUNTERS.length)
  })
}

interface Place {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** Where every part lies by the layout alone; the head comes first. */
function placesOf(shape: Shape): Place[] {
  const layout = layoutOf(shape)
  const place = (name: string, start: number, bytes: number): Place => ({ name, start, end: start + bytes })
  const rows = Array.from({ length: shape.children }, (_, slot) => {
    const ring = layout.ring + slot * layout.ringStride
    return [
      place(`useByChild ${slot}`, layout.useByChild + slot * rowBytes(shape.remotes * 4), shape.remotes * 4),
      place(`retryAt ${slot}`, layout.retryAt + slot * rowBytes(shape.remotes * 8), shape.remotes * 8),
      place(`counters ${slot}`, layout.counters + slot * rowBytes(COUNTERS.length * 8), COUNTERS.length * 8),
      place(`ring head ${slot}`, ring, RING_HEAD_BYTES),
      place(`ring ${slot}`, ring + RING_HEAD_BYTES, shape.ringBytes),
    ]
  })
  return [
    place('head', layout.head, 20),
    place('mayGrow', layout.mayGrow, 4),
    place('verdict', layout.verdict, shape.remotes * 4),
    place('use', layout.use, shape.remotes * 4),
    ...rows.flat(),
  ]
}

/** Every view that the cells give out, in the order of `placesOf`. */
function viewsOf(cells: Cells) {
  const { children } = cells.layout.shape
  const rows = Array.from({ length: children }, (_, slot) => {
    const { use, retryAtMs, counters, ringHead, ringBytes } = cells.child(slot)
    return [
      { name: `useByChild ${slot}`, view: use },
      { name: `retryAt ${slot}`, view: retryAtMs },
      { name: `counters ${slot}`, view: counters },
      { name: `ring head ${slot}`, view: ringHead },
      { name: `ring ${slot}`, view: ringBytes },
    ]
  })
  return [
    { name: 'mayGrow', view: cells.mayGrow },
    { name: 'verdict', view: cells.verdict },
    { name: 'use', view: cells.use },
    ...rows.flat(),
  ]
}

test('what a child held is given back, and its rows are as new; nobody else notices', () => {
  const cells = localCells({ children: 3, remotes: 2, listeners: 1, ringBytes: 64 })
  for (const [slot, held] of [
    [0, [1, 2]],
    [1, [10, 20]],
    [2, [100, 200]],
  ] as const) {
    const rows = cells.child(slot)
    rows.use.set(held)
    for (const [remote, count] of held.entries()) Atomics.add(cells.use, remote, count)
    rows.retryAtMs.fill(5)
    rows.counters.fill(7)
    rows.ringHead.fill(9)
  }
  giveBack(cells, 1)
  assert.deepEqual([...cells.use], [101, 202])
  const { counters, retryAtMs, ringHead, use } = cells.child(1)
  for (const row of [counters, retryAtMs, ringHead, use]) assert.ok(row.every((number) => number === 0))
  for (const slot of [0, 2]) {
    const rows = cells.child(slot)
    assert.ok(rows.use.every((held) => held > 0))
    assert.ok(rows.counters.every((count) => count === 7) && rows.retryAtMs.every((ms) => ms === 5))
  }
  giveBack(cells, 1)
  assert.deepEqual([...cells.use], [101, 202], 'twice is no more than once')
})

test('use is the sum of the rows, whatever children take, return and die', () => {
  const remotes = 3
  const step = fc.record({
    slot: fc.nat({ max: 3 }),
    remote: fc.nat({ max: remotes - 1 }),
    what: fc.constantFrom('take', 'take', 'return', 'die'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const cells = localCells({ children: 4, remotes, listeners: 1, ringBytes: 64 })
      for (const { remote, slot, what } of steps) {
        const { use } = cells.child(slot)
        if (what === 'die') giveBack(cells, slot)
        else if (what === 'take' || (use[remote] ?? 0) > 0) {
          const change = what === 'take' ? 1 : -1
          use[remote] = (use[remote] ?? 0) + change
          Atomics.add(cells.use, remote, change)
        }
        const sums = Array.from(cells.use, (_, at) =>
          [0, 1, 2, 3].reduce((sum, child) => sum + (cells.child(child).use[at] ?? 0), 0),
        )
        assert.deepEqual([...cells.use], sums)
      }
    }),
  )
})
