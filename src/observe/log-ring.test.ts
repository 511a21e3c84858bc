import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import fc from 'fast-check'
import { type CellFds, createCells, localCells, openCells } from '../cells/cells.js'
import type { Shape } from '../cells/layout.js'
import { COUNT } from './counters.js'
import { ACCESS, KEY, LOG, LogRingReader, LogRingWriter, type RingLine } from './log-ring.js'

const LINES = 100_000
const RECORD_HEAD_BYTES = 4

const shapeOf = (ringBytes: number): Shape => ({ children: 1, remotes: 1, listeners: 1, pools: 1, ringBytes })

/** Lines of changing length, so that they wrap everywhere. */
const lineOf = (number: number) => `${number} ${'x'.repeat(number % 91)}`

/** The writing thread: tries each line until it fits. */
function writeAll(fds: CellFds, shape: Shape): void {
  const cells = openCells(fds, shape, 0).own
  const writer = new LogRingWriter(cells, () => parentPort?.postMessage('wake'))
  const dropped = () => cells.counters[COUNT.logLinesDropped] as number
  for (let number = 0; number < LINES; number++) {
    for (let before = -1; dropped() !== before; ) {
      before = dropped()
      writer.write(LOG, number % 8, lineOf(number))
    }
  }
}

function ringOf(ringBytes: number, onWake: () => void = () => {}) {
  const cells = localCells(shapeOf(ringBytes)).child(0)
  return {
    cells,
    writer: new LogRingWriter(cells, onWake),
    reader: new LogRingReader(cells),
    dropped: () => cells.counters[COUNT.logLinesDropped],
  }
}

const texts = (lines: readonly RingLine[]) => lines.map(({ text }) => text)

if (!isMainThread) writeAll(workerData.fds, workerData.shape)
else {
  test('a ring corrupted by a hostile child is reset and works again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer(), fc.integer({ min: -1, max: 601 })), { minLength: 2, maxLength: 2 }),
        fc.uint8Array({ maxLength: 300 }),
        (head, junk) => {
          const { cells, reader, writer } = ringOf(300)
          cells.ringHead.set(head)
          cells.ringBytes.set(junk)
          const lines = reader.drain()
          assert.ok(lines.length <= 300 / RECORD_HEAD_BYTES + 1)
          assert.ok(lines.every(({ kind, severity }) => kind <= KEY && severity <= 7))
          reader.drain()
          writer.write(LOG, 6, 'again')
          assert.equal(reader.drain().at(-1)?.text, 'again')
          cells.ringHead.set(head)
          writer.write(LOG, 6, 'x'.repeat(290))
          assert.ok(reader.brokenCount <= 3)
        },
      ),
    )
  })

  test('lines are read as written, or counted as dropped', () => {
    const line = fc.record(
      {
        kind: fc.constantFrom(LOG, ACCESS),
        severity: fc.integer({ min: 0, max: 7 }),
        text: fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 200 }).map(lineOf)),
      },
      { noNullPrototype: true },
    )
    const step = fc.oneof({ weight: 3, arbitrary: line }, fc.constant('drain' as const))
    const ringBytes = fc.integer({ min: 1, max: 400 })
    fc.assert(
      fc.property(ringBytes, fc.array(step, { maxLength: 100 }), (ringBytes, steps) => {
        const { writer, reader, dropped } = ringOf(ringBytes)
        const queue: RingLine[] = []
        let bytesFree = ringBytes
        let lost = 0
        for (const step of steps) {
          if (step === 'drain') {
            assert.deepEqual(reader.drain(), queue.splice(0))
            bytesFree = ringBytes
            continue
          }
          writer.write(step.kind, step.severity, step.text)
          const byteCount = RECORD_HEAD_BYTES + Buffer.byteLength(step.text)
          if (byteCount > bytesFree) lost++
          else {
            bytesFree -= byteCount
            queue.push(step)
          }
        }
        assert.deepEqual(reader.drain(), queue)
        assert.equal(dropped(), lost)
      }),
      { numRuns: 1_000 },
    )
  })

  test('a full ring keeps its lines and takes new ones after a read', () => {
    const { writer, reader, dropped } = ringOf(16)
    for (const text of ['eight by', 'lost', '', 'lost too']) writer.write(LOG, 6, text)
    assert.equal(dropped(), 2)
    assert.deepEqual(texts(reader.drain()), ['eight by', ''])
    writer.write(LOG, 6, 'twelve bytes')
    assert.deepEqual(texts(reader.drain()), ['twelve bytes'])
    assert.equal(dropped(), 2)
  })

  test('truncates a long line between characters', () => {
    const { writer, reader } = ringOf(100_000)
    writer.write(LOG, 6, 'ä'.repeat(5_000))
    writer.write(LOG, 6, `x${'ä'.repeat(5_000)}`)
    writer.write(LOG, 6, `xx${'\u{1f600}'.repeat(5_000)}`)
    writer.write(LOG, 6, 'behind')
    const [even, odd, wide, behind] = texts(reader.drain())
    assert.equal(even, 'ä'.repeat(2_048))
    assert.equal(odd, `x${'ä'.repeat(2_047)}`)
    assert.equal(wide, `xx${'\u{1f600}'.repeat(1_023)}`)
    assert.equal(behind, 'behind')
  })

  test('wakes a sleeping reader once', () => {
    let wakes = 0
    const { writer, reader } = ringOf(1_000, () => wakes++)
    writer.write(LOG, 6, 'a')
    assert.equal(wakes, 0, 'the reader does not sleep')
    assert.equal(reader.sleep(), false, 'there is a line')
    reader.drain()
    assert.equal(reader.sleep(), true)
    writer.write(LOG, 6, 'b')
    writer.write(LOG, 6, 'c')
    assert.equal(wakes, 1)
    assert.deepEqual(texts(reader.drain()), ['b', 'c'])
  })

  test('no wake-up is lost in any interleaving', () => {
    let meetings = 0
    for (let at = 0; at < 12; at++) {
      meetings += meet(at, ({ writer }) => writer.write(LOG, 6, 'x'), sleepSoundly)
      meetings += meet(at, sleepSoundly, ({ writer }) => writer.write(LOG, 6, 'x'))
    }
    assert.ok(meetings > 8, `only ${meetings} meetings were tried`)
  })

  test('two threads transfer 100,000 lines', { timeout: 60_000 }, async () => {
    const shape = shapeOf(10_000)
    const { cells, close, fdsOf } = createCells(shape)
    const reader = new LogRingReader(cells.child(0))
    const worker = new Worker(new URL(import.meta.url), { workerData: { fds: fdsOf(0), shape } })
    let next = 0
    const readOn = () => {
      do {
        for (const { severity, text } of reader.drain()) {
          if (text !== lineOf(next) || severity !== next % 8) assert.fail(`line ${next} is '${text}'`)
          next++
        }
      } while (!reader.sleep())
    }
    worker.on('message', readOn)
    readOn()
    await new Promise((resolve, reject) => {
      worker.on('error', reject)
      worker.on('exit', resolve)
    })
    readOn()
    assert.equal(next, LINES)
    close()
  })
}

type Ring = ReturnType<typeof ringOf>

/** As the drain does: reads until there is nothing, then sleeps. */
function sleepSoundly({ reader }: Ring, got: string[]): void {
  do got.push(...texts(reader.drain()))
  while (!reader.sleep())
}

/**
 * Runs `act`, and `interrupt` right before its atomic operation number `at`: as if the other thread did all of
 * its work in that moment. Afterwards the line has been read, or the reader was woken. Answers 1 if there were
 * that many operations.
 */
function meet(
  at: number,
  act: (ring: Ring, got: string[]) => void,
  interrupt: (ring: Ring, got: string[]) => void,
): number {
  let wakes = 0
  const got: string[] = []
  const ring = ringOf(1_000, () => wakes++)
  let operations = 0
  const { load, store, exchange } = Atomics
  const interruptible = <A extends unknown[], R>(operation: (...args: A) => R) => {
    return (...args: A): R => {
      if (operations++ === at) interrupt(ring, got)
      return operation(...args)
    }
  }
  Object.assign(Atomics, {
    load: interruptible(load),
    store: interruptible(store),
    exchange: interruptible(exchange),
  })
  try {
    act(ring, got)
  } finally {
    Object.assign(Atomics, { load, store, exchange })
  }
  if (operations <= at) return 0
  assert.ok(got.length === 1 || wakes === 1, `the line is lost: operation ${at}`)
  return 1
}
