import assert from 'node:assert/strict'
import { ftruncateSync, openSync, writeSync } from 'node:fs'
import { test } from 'node:test'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import fc from 'fast-check'
import { mapShared } from '../kernel/memory.js'
import { type CellFds, type ChildCells, createCells, localCells, openCells } from './cells.js'
import {
  COUNTERS,
  DECISION_BYTES,
  DECISIONS_MAX,
  LAYOUT_VERSION,
  LISTENER_COUNTERS,
  layoutOf,
  placeCount,
  REMOTE_COUNTERS,
  RING_HEAD_BYTES,
  rowBytes,
  type Shape,
} from './layout.js'
import { POLICY_COLUMNS } from './policy-memory.js'

const LINE_BYTES = 64
const ADDS = 200_000
const SHAPE: Shape = { children: 3, remotes: 5, listeners: 2, pools: 1, ringBytes: 1000 }

interface Task {
  readonly fds: CellFds
  readonly shape: Shape
}

function addToUse({ fds, shape }: Task): void {
  const { use } = openCells(fds, shape, 0)
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
    pools: fc.integer({ min: 0, max: 50 }),
    ringBytes: fc.integer({ min: 1, max: 5_000 }),
  })

  test('no two writers share a cache line, and every table is inside the memory', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const layout = layoutOf(shape)
        const writers: Record<string, string[]> = {}
        for (const { end, memory, name, start, writer } of placesOf(shape)) {
          assert.ok(start >= 0 && end <= layout[memory].byteLength, `${name} lies outside`)
          writers[memory] ??= []
          const lines = writers[memory]
          for (let line = Math.floor(start / LINE_BYTES); line * LINE_BYTES < end; line++) {
            const other = lines[line] ?? writer
            if (other !== writer) assert.fail(`${writer} and ${other} share line ${line} of ${memory}`)
            lines[line] = writer
          }
        }
      }),
      { numRuns: 50 },
    )
  })

  test('every view covers the part of the memory that the layout defines', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const cells = localCells(shape)
        const rows = Array.from({ length: shape.children }, (_, slot) => viewsOf(cells.child(slot)))
        const common = Array.from({ length: shape.children }, (_, slot) => [
          cells.listenersEndedOf(slot),
          cells.queuedSinceOf(slot),
        ])
        const policies = Object.values(cells.policies)
        const head = [cells.mayGrow, cells.verdict, cells.upAtMs, cells.useMax]
        const found = [
          ...head,
          cells.use,
          ...common.flat(),
          ...policies,
          ...rows.flat().map(({ view }) => view),
        ]
        const wanted = placesOf(shape).filter(({ name }) => name !== 'words')
        assert.deepEqual(
          found.map(({ byteLength, byteOffset }) => [byteOffset, byteLength]),
          wanted.map(({ end, start }) => [start, end - start]),
        )
      }),
      { numRuns: 50 },
    )
  })

  test('all mappings share the same memory', () => {
    const { cells, close, fdsOf } = createCells(SHAPE)
    const child = openCells(fdsOf(1), SHAPE, 1)
    cells.handedOver(1)
    cells.mayGrow[0] = 7
    cells.useMax.fill(6)
    cells.use.fill(8)
    cells.listenersEndedOf(1).fill(5)
    cells.queuedSinceOf(1).fill(4)
    cells.policies.connectMs.fill(3)
    for (const [index, { view }] of viewsOf(cells.child(1)).entries()) view.fill(index + 1)
    assert.deepEqual([...child.mayGrow, ...child.use], [7, ...new Array(9).fill(8)])
    assert.ok(child.useMax.every((max) => max === 6))
    assert.deepEqual([...child.policies.connectMs], [3, 3, 3, 3, 3])
    assert.deepEqual([...child.listenersEndedOf(1), ...child.queuedSinceOf(1)], [5, 5, 4])
    for (const [index, { name, view }] of viewsOf(child.own).entries()) {
      assert.ok(
        view.every((value) => value === index + 1),
        `${name} holds ${index + 1}`,
      )
    }
    child.own.counters.fill(9)
    assert.ok(cells.countersOf(1).every((count) => count === 9))
    child.unmap()
    close()
  })

  test('new cells are zero', () => {
    const { cells, close } = createCells(SHAPE)
    const views = [
      ...cells.mayGrow,
      ...cells.verdict,
      ...cells.upAtMs,
      ...cells.use,
      ...Object.values(cells.policies).flatMap((column) => [...column]),
      ...viewsOf(cells.child(2)).flatMap(({ view }) => [...view]),
    ]
    assert.ok(views.every((value) => value === 0))
    close()
  })

  test('rejects memory of another shape or version', () => {
    const { close, fdsOf } = createCells(SHAPE)
    for (const [key, value] of Object.entries(SHAPE)) {
      assert.throws(
        () => openCells(fdsOf(0), { ...SHAPE, [key]: value + 1 }, 0),
        new RegExp(`shared memory has layout ${LAYOUT_VERSION},3,5,2,1,1000, expected`),
        key,
      )
    }
    openCells(fdsOf(0), SHAPE, 0).unmap()
    close()
  })

  test("a child can neither write the head's memory nor resize any memory", () => {
    const { cells, close, fdsOf } = createCells(SHAPE)
    const fds = fdsOf(0)
    const junk = Buffer.alloc(4096, 0xff)
    assert.throws(() => writeSync(fds.head, junk, 0, junk.length, 0), { code: 'EPERM' })
    assert.throws(() => mapShared(fds.head, 64), /operation not permitted/)
    assert.throws(() => mapShared(openSync(`/proc/self/fd/${fds.head}`, 'r+'), 64), /operation not permitted/)
    for (const fd of Object.values(fds)) {
      assert.throws(() => ftruncateSync(fd, 0), { code: 'EPERM' })
      assert.throws(() => ftruncateSync(fd, 1 << 20), { code: 'EPERM' })
    }
    for (const fd of [fds.common, fds.own]) writeSync(fd, junk, 0, 256, 0)
    openCells(fdsOf(1), SHAPE, 1).unmap()
    assert.equal(cells.mayGrow[0], 0, 'the head reads what it has written')
    close()
  })

  test("a child cannot access another child's memory", () => {
    const { cells, close, fdsOf } = createCells(SHAPE)
    const [rogue, other] = [fdsOf(0), fdsOf(1)]
    assert.equal(new Set([...Object.values(rogue), ...Object.values(other)]).size, 4)
    writeSync(rogue.own, Buffer.alloc(layoutOf(SHAPE).own.byteLength, 0xff), 0, undefined, 0)
    const rows = viewsOf(cells.child(1)).filter(({ name }) => name !== 'counters')
    assert.ok(rows.every(({ view }) => view.every((value) => value === 0)))
    close()
  })

  test('the next child of a slot gets new memory', () => {
    const { cells, close, fdsOf } = createCells(SHAPE)
    const before = openCells(fdsOf(0), SHAPE, 0)
    cells.giveBack(0)
    const after = openCells(fdsOf(0), SHAPE, 0)
    before.own.retryAtMs.fill(1)
    assert.ok(after.own.retryAtMs.every((ms) => ms === 0))
    for (const opened of [before, after]) opened.unmap()
    close()
  })

  test('two threads lose no update of `use`', { timeout: 20_000 }, async () => {
    const { cells, close, fdsOf } = createCells(SHAPE)
    const task: Task = { fds: fdsOf(0), shape: SHAPE }
    const worker = new Worker(new URL(import.meta.url), { workerData: task })
    await new Promise((resolve) => worker.once('online', resolve))
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    addToUse(task)
    await ended
    const remotes = cells.use.slice(0, SHAPE.remotes)
    assert.deepEqual([...remotes], new Array(SHAPE.remotes).fill((2 * ADDS) / SHAPE.remotes))
    close()
  })

  test('names of counters are unique', () => {
    for (const names of [COUNTERS, LISTENER_COUNTERS, REMOTE_COUNTERS])
      assert.equal(new Set<string>(names).size, names.length)
  })
}

interface Place {
  readonly name: string
  readonly memory: 'head' | 'common' | 'own'
  /** Readers of a ring write its head, next to the bytes of its writer. */
  readonly writer: string
  readonly start: number
  readonly end: number
}

/** The place of every part according to the layout, with the rows of every child. */
function placesOf(shape: Shape): Place[] {
  const { common, head, own } = layoutOf(shape)
  const place = (
    memory: Place['memory'],
    name: string,
    start: number,
    bytes: number,
    writer = name,
  ): Place => {
    return { name, memory, writer, start, end: start + bytes }
  }
  const [ofListeners, ofPools] = [shape.listeners * 8, shape.pools * 8]
  const countersBytes = COUNTERS.length * 8
  const rows = Array.from({ length: shape.children }, (_, slot) => [
    place('own', 'own use', own.use, placeCount(shape) * 4),
    place('own', 'retryAt', own.retryAt, shape.remotes * 8),
    place('common', `counters ${slot}`, common.counters + slot * rowBytes(countersBytes), countersBytes),
    place('own', 'listenerCounters', own.listenerCounters, shape.listeners * LISTENER_COUNTERS.length * 8),
    place('own', 'remoteCounters', own.remoteCounters, shape.remotes * REMOTE_COUNTERS.length * 8),
    place('own', 'decisions', own.decisions, DECISIONS_MAX * DECISION_BYTES),
    place('own', 'ring head', own.ring, RING_HEAD_BYTES, 'ring'),
    place('own', 'ring', own.ring + RING_HEAD_BYTES, shape.ringBytes),
  ])
  return [
    place('head', 'words', head.words, 24),
    place('head', 'mayGrow', head.mayGrow, 4),
    place('head', 'verdict', head.verdict, shape.remotes * 4),
    place('head', 'upAt', head.upAt, shape.remotes * 8),
    place('head', 'useMax', head.useMax, placeCount(shape) * 4),
    place('common', 'use', common.use, placeCount(shape) * 4),
    ...Array.from({ length: shape.children }, (_, slot) => [
      place('common', `ended ${slot}`, common.listenersEnded + slot * rowBytes(ofListeners), ofListeners),
      place('common', `queued ${slot}`, common.queuedSince + slot * rowBytes(ofPools), ofPools),
    ]).flat(),
    ...POLICY_COLUMNS.map((name, index) =>
      place('common', name, common.policies + index * rowBytes(shape.remotes * 8), shape.remotes * 8),
    ),
    ...rows.flat(),
  ]
}

/** Every view of a child's rows, in the order of `placesOf`. */
function viewsOf(rows: ChildCells) {
  const { counters, decisions, listenerCounters, remoteCounters, retryAtMs, ringBytes, ringHead, use } = rows
  return [
    { name: 'use', view: use },
    { name: 'retryAt', view: retryAtMs },
    { name: 'counters', view: counters },
    { name: 'listenerCounters', view: listenerCounters },
    { name: 'remoteCounters', view: remoteCounters },
    { name: 'decisions', view: decisions },
    { name: 'ring head', view: ringHead },
    { name: 'ring', view: ringBytes },
  ]
}

test('giveBack subtracts the uses of a child and clears its rows, without affecting others', () => {
  const cells = localCells({ children: 3, remotes: 2, listeners: 1, pools: 1, ringBytes: 64 })
  for (const [slot, held] of [
    [0, [1, 2]],
    [1, [10, 20]],
    [2, [100, 200]],
  ] as const) {
    const rows = cells.child(slot)
    rows.use.set(held, 0)
    for (const [remote, count] of held.entries()) Atomics.add(cells.use, remote, count)
    rows.retryAtMs.fill(5)
    rows.counters.fill(7)
    cells.listenersEndedOf(slot).fill(7)
    cells.queuedSinceOf(slot).fill(7)
    rows.listenerCounters.fill(7)
    rows.remoteCounters.fill(7)
    rows.ringHead.fill(9)
  }
  cells.giveBack(1)
  assert.deepEqual([...cells.use.slice(0, 2)], [101, 202])
  const { ringBytes: _bytes, ...given } = cells.child(1)
  for (const row of [...Object.values(given), cells.listenersEndedOf(1), cells.queuedSinceOf(1)])
    assert.ok(row.every((number) => number === 0))
  for (const slot of [0, 2]) {
    const rows = cells.child(slot)
    assert.ok(rows.use.slice(0, 2).every((held) => held > 0))
    assert.ok(rows.counters.every((count) => count === 7) && rows.retryAtMs.every((ms) => ms === 5))
  }
  cells.giveBack(1)
  assert.deepEqual([...cells.use.slice(0, 2)], [101, 202], 'twice is no more than once')
})

test('use remains the sum of the rows while children take, return and die', () => {
  const remotes = 3
  const step = fc.record({
    slot: fc.nat({ max: 3 }),
    remote: fc.nat({ max: remotes - 1 }),
    what: fc.constantFrom('take', 'take', 'return', 'die'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const cells = localCells({ children: 4, remotes, listeners: 1, pools: 1, ringBytes: 64 })
      for (const { remote, slot, what } of steps) {
        const { use } = cells.child(slot)
        if (what === 'die') cells.giveBack(slot)
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

test('corrects sums that differ from the rows by more than the step a child may be ahead', () => {
  const cells = localCells({ children: 4, remotes: 4, listeners: 1, pools: 1, ringBytes: 64 })
  cells.child(0).use.set([5, 5, 5, -9])
  cells.child(1).use.set([0, 1, 2 ** 31 - 1, 3])
  cells.use.set([7, -1_000_000, 0, 2 ** 31 - 1])
  assert.equal(cells.checkUse(100), 3)
  assert.deepEqual([...cells.use.slice(0, 4)], [7, 6, 105, 3])
})

test('corrects a small difference that lasts: a child was killed between the two steps', () => {
  const cells = localCells({ children: 4, remotes: 1, listeners: 1, pools: 1, ringBytes: 64 })
  cells.child(0).use[0] = 5
  cells.use[0] = 6
  assert.equal(cells.checkUse(100), 0)
  assert.equal(cells.checkUse(100), 1)
  assert.equal(cells.use[0], 5)
  cells.use[0] = 6
  assert.equal(cells.checkUse(100), 0)
  cells.child(0).use[0] = 6
  assert.equal(cells.checkUse(100), 0, 'the second step has been made')
  cells.use[0] = 7
  assert.equal(cells.checkUse(100), 0)
})

test('sums remain usable after the death of a child that wrote arbitrary values', () => {
  const anyInt = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
  fc.assert(
    fc.property(fc.array(anyInt, { minLength: 3, maxLength: 3 }), anyInt, (junk, sum) => {
      const cells = localCells({ children: 4, remotes: 3, listeners: 1, pools: 1, ringBytes: 64 })
      cells.child(0).use.set([1, 20, 30])
      cells.child(1).use.set(junk)
      cells.use.fill(sum)
      cells.giveBack(1)
      cells.checkUse(1_000)
      for (const [remote, held] of [1, 20, 30].entries())
        assert.ok(Math.abs((cells.use[remote] ?? 0) - held) <= 1)
    }),
  )
})

test('what policies remember is cleared by slot, and copied from other cells', () => {
  const shape = { children: 1, remotes: 3, listeners: 1, pools: 1, ringBytes: 64 }
  const [before, after] = [localCells(shape), localCells(shape)]
  for (const column of Object.values(before.policies)) column.set([1, 2, 3])
  before.forget(1)
  after.remember(0, before, 2)
  for (const name of POLICY_COLUMNS) {
    assert.deepEqual([...before.policies[name]], [1, 0, 3], name)
    assert.deepEqual([...after.policies[name]], [3, 0, 0], name)
  }
})
