import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import fc from 'fast-check'
import { type CellFds, type ChildCells, createCells, localCells, openCells } from '../cells/cells.js'
import { DECISION_BYTES, DECISIONS_MAX, type Shape, SKIP_COUNTS_MAX } from '../cells/layout.js'
import { type DecisionBounds, DecisionReader, DecisionWriter } from './decision-ring.js'

const SHAPE: Shape = { children: 1, remotes: 1, listeners: 1, pools: 1, ringBytes: 64 }
const BOUNDS: DecisionBounds = { listeners: 7, rules: 11, pools: 5, remotes: 13, nowMs: 1_000_000 }
const RECORDS = 100_000

const SKIPPED = new Int32Array(SKIP_COUNTS_MAX)

/** A record whose numbers all follow from one. */
function writeNumbered(writer: DecisionWriter, number: number): void {
  writer.begin({ nowMs: number + 0.5 })
  writer.listener = (number % 8) - 1
  writer.rule = (number % 13) - 2
  writer.pool = number % 5
  writer.remote = (number % 15) - 2
  writer.attempts = number
  writer.draw = 0 - number
  writer.candidates = (number % 16) - 2
  writer.setSkipped(SKIPPED.fill(number))
  writer.end()
}

function numbered(number: number) {
  return {
    atMs: number + 0.5,
    listener: (number % 8) - 1,
    rule: (number % 13) - 2,
    pool: number % 5,
    remote: (number % 15) - 2,
    attempts: number,
    draw: 0 - number,
    candidates: (number % 16) - 2,
    skipped: [...new Int32Array(SKIP_COUNTS_MAX).fill(Math.min(number, 65_535))],
  }
}

function openRing() {
  const cells = localCells(SHAPE).child(0)
  return { cells, reader: new DecisionReader(cells), writer: new DecisionWriter(cells) }
}

function writeAll(fds: CellFds): void {
  const writer = new DecisionWriter(openCells(fds, SHAPE, 0).own)
  for (let number = 0; number < RECORDS; number++) writeNumbered(writer, number)
}

if (!isMainThread) writeAll(workerData as CellFds)
else {
  test('reads what was written, the newest first', () => {
    const { reader, writer } = openRing()
    assert.deepEqual(reader.read(BOUNDS), [])
    for (const number of [0, 1, 70_000]) writeNumbered(writer, number)
    assert.deepEqual(reader.read(BOUNDS), [70_000, 1, 0].map(numbered))
  })

  test('keeps the last thousand', () => {
    const { reader, writer } = openRing()
    for (let number = 0; number < 2_345; number++) writeNumbered(writer, number)
    const found = reader.read(BOUNDS)
    assert.equal(found.length, DECISIONS_MAX)
    assert.deepEqual([found[0], found.at(-1)], [numbered(2_344), numbered(1_345)])
  })

  test('does not return a record that is being written', () => {
    const { reader, writer } = openRing()
    for (let number = 0; number < DECISIONS_MAX + 1; number++) writeNumbered(writer, number)
    writer.begin({ nowMs: 5 })
    writer.pool = 3
    const found = reader.read(BOUNDS)
    assert.equal(found.length, DECISIONS_MAX - 1)
    assert.deepEqual(found.at(-1), numbered(2))
  })

  test('ignores records that are outside of the plan, or in the future', () => {
    const { reader, writer } = openRing()
    for (let number = 0; number < 15; number++) writeNumbered(writer, number)
    const left = (bounds: Partial<DecisionBounds>) => reader.read({ ...BOUNDS, ...bounds }).length
    assert.equal(left({}), 15)
    assert.equal(left({ nowMs: 9 }), 9)
    assert.equal(left({ pools: 1 }), 3)
    assert.equal(left({ rules: 0 }), 4)
    assert.equal(left({ listeners: 0 }), 2)
    // Two that chose no remote, and as many candidates as there are remotes at most.
    assert.equal(left({ remotes: 0 }), 2)
  })

  test('returns nothing invalid and does not fail, whatever a child writes', () => {
    const { cells, reader, writer } = openRing()
    const junk = fc.uint8Array({ minLength: 1, maxLength: 4 * DECISION_BYTES })
    const place = fc.nat({ max: DECISIONS_MAX * DECISION_BYTES - 1 })
    fc.assert(
      fc.property(fc.array(fc.tuple(place, junk), { maxLength: 20 }), (writes) => {
        for (let number = 0; number < 20; number++) writeNumbered(writer, number)
        for (const [at, bytes] of writes) {
          cells.decisions.set(bytes.subarray(0, cells.decisions.length - at), at)
        }
        for (const found of reader.read(BOUNDS)) {
          const { atMs, candidates, listener, pool, remote, rule } = found
          assert.ok(atMs >= 0 && atMs <= BOUNDS.nowMs)
          assert.ok(listener >= -1 && listener < BOUNDS.listeners && rule >= -2 && rule < BOUNDS.rules)
          assert.ok(pool >= 0 && pool < BOUNDS.pools && remote >= -2 && remote < BOUNDS.remotes)
          assert.ok(candidates >= -2 && candidates <= BOUNDS.remotes)
        }
      }),
    )
  })

  test('reads whole records while another thread writes', async () => {
    const created = createCells(SHAPE)
    const rows: ChildCells = created.cells.child(0)
    const reader = new DecisionReader(rows)
    const worker = new Worker(new URL(import.meta.url), { workerData: created.fdsOf(0) })
    let isRunning = true
    let seen = 0
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    void ended.then(() => {
      isRunning = false
    })
    while (isRunning) {
      for (const record of reader.read(BOUNDS)) {
        assert.deepEqual(record, numbered(record.attempts))
        seen++
      }
      await new Promise(setImmediate)
    }
    await ended
    assert.equal(reader.read(BOUNDS)[0]?.attempts, RECORDS - 1)
    assert.ok(seen > 0)
    created.close()
  })
}
