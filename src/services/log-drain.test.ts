import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { STRICT } from '../../test/support/boundaries.js'
import { localCells } from '../cells/cells.js'
import { COUNT } from '../observe/counters.js'
import { ACCESS, LOG, LogRingWriter, REMOTE } from '../observe/log-ring.js'
import type { RemoteEvidence } from '../observe/remote-evidence.js'
import { INFO, WARNING } from '../observe/severity.js'
import { LogDrain } from './log-drain.js'

const LIMIT = 100

function withDrain(ringBytes: number, run: (world: ReturnType<typeof worldOf>) => void): void {
  mock.timers.enable({ apis: ['setTimeout'] })
  const world = worldOf(ringBytes)
  try {
    run(world)
  } finally {
    world.drain.close()
    mock.timers.reset()
  }
}

function worldOf(ringBytes: number) {
  const cells = localCells({ children: 1, remotes: 1, listeners: 1, pools: 1, ringBytes }).child(0)
  const said: (readonly [number, string])[] = []
  const access: string[] = []
  const remotes: string[] = []
  const counts = { wakes: 0 }
  const files = {
    access: (line: string) => void access.push(line),
    key: () => {},
    remote: ({ name }: RemoteEvidence) => void remotes.push(name),
  }
  const drain = new LogDrain(cells, (severity, text) => said.push([severity, text]), files, STRICT, {
    writer: 'child 7',
    logLinesPerSecond: LIMIT,
  })
  const writer = new LogRingWriter(cells, () => {
    counts.wakes++
    drain.drain()
  })
  return { cells, drain, writer, said, access, remotes, counts }
}

test('passes each kind of line to its sink', () => {
  withDrain(1_000, ({ writer, said, access, remotes }) => {
    writer.write(LOG, WARNING, 'a')
    writer.write(ACCESS, INFO, 'b')
    writer.write(REMOTE, INFO, 'down\x001\x002\0c\0refused')
    writer.write(REMOTE, INFO, 'nonsense')
    mock.timers.tick(20)
    assert.deepEqual([said, access, remotes], [[[WARNING, 'a']], ['b'], ['c']])
  })
})

test('is woken by a quiet reactor and polls a busy one', () => {
  withDrain(100_000, ({ writer, counts, access }) => {
    writer.write(ACCESS, INFO, 'first')
    assert.deepEqual([counts.wakes, access], [1, ['first']])
    for (let i = 0; i < 100; i++) {
      writer.write(ACCESS, INFO, String(i))
      mock.timers.tick(10)
    }
    assert.equal(counts.wakes, 1, 'the drain polls')
    mock.timers.tick(40)
    assert.equal(access.length, 101)
    writer.write(ACCESS, INFO, 'after a pause')
    assert.deepEqual([counts.wakes, access.at(-1)], [2, 'after a pause'])
  })
})

test('logs dropped lines once per loss', () => {
  withDrain(64, ({ writer, said, access }) => {
    writer.write(ACCESS, INFO, 'wakes')
    for (let i = 0; i < 5; i++) writer.write(ACCESS, INFO, 'x'.repeat(40))
    mock.timers.tick(20)
    const text = '4 log lines were dropped: the log ring was full'
    assert.deepEqual([access.length, said], [2, [[WARNING, text]]])
    mock.timers.tick(20)
    assert.equal(said.length, 1)
  })
})

test('ignores an invalid count of dropped lines', () => {
  withDrain(1_000, ({ cells: { counters }, writer, said }) => {
    for (const count of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      counters[COUNT.logLinesDropped] = count
      writer.write(ACCESS, INFO, 'a')
      mock.timers.tick(40)
    }
    assert.deepEqual(said, [])
  })
})

test('drains the rest on close and then stops', () => {
  withDrain(1_000, ({ drain, writer, access }) => {
    writer.write(ACCESS, INFO, 'a')
    writer.write(ACCESS, INFO, 'b')
    assert.deepEqual(access, ['a'])
    drain.close()
    assert.deepEqual(access, ['a', 'b'])
    writer.write(ACCESS, INFO, 'c')
    mock.timers.tick(1_000)
    assert.deepEqual(access, ['a', 'b'])
  })
})

test('limits the lines of a child per second and reports it once', () => {
  withDrain(100_000, ({ writer, said }) => {
    for (let i = 0; i < 500; i++) writer.write(LOG, WARNING, `line ${i}`)
    mock.timers.tick(20)
    for (let i = 0; i < 500; i++) writer.write(LOG, WARNING, `line ${i}`)
    mock.timers.tick(20)
    const lines = said.filter(([, text]) => text.startsWith('line'))
    assert.equal(lines.length, LIMIT)
    assert.match(said.at(-1)?.[1] ?? '', /log lines of child 7 were dropped: more than 100 per second/)
    assert.equal(said.length, LIMIT + 1)
  })
})

test('logs one line per second for a child that corrupts its ring and counters', () => {
  withDrain(1_000, ({ cells, drain, said }) => {
    for (let i = 0; i < 1_000; i++) {
      cells.ringHead.fill(i % 2 === 0 ? -1 : 2 ** 30)
      cells.counters.fill(Number.NaN)
      drain.drain()
      mock.timers.tick(20)
    }
    const texts = said.map(([, text]) => text)
    assert.ok(texts.length < 60, `${texts.length} lines`)
    assert.deepEqual([...new Set(texts)], ['the log ring of child 7 was corrupt: its lines were dropped'])
  })
})
