import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { countingBoundary, STRICT } from '../../test/support/boundaries.js'
import { localCells } from '../cells/cells.js'
import { COUNT } from '../observe/counters.js'
import { ACCESS, LOG, LogRingWriter, REMOTE } from '../observe/log-ring.js'
import type { RemoteEvidence } from '../observe/remote-evidence.js'
import { INFO, WARNING } from '../observe/severity.js'
import { LogDrain } from './log-drain.js'

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
  const cells = localCells({ children: 1, remotes: 1, listeners: 1, ringBytes }).child(0)
  const said: (readonly [number, string])[] = []
  const access: string[] = []
  const remotes: string[] = []
  const counts = { wakes: 0 }
  const files = {
    access: (line: string) => void access.push(line),
    key: () => {},
    remote: ({ name }: RemoteEvidence) => void remotes.push(name),
  }
  const drain = new LogDrain(cells, (severity, text) => said.push([severity, text]), files, STRICT)
  const writer = new LogRingWriter(cells, () => {
    counts.wakes++
    drain.drain()
  })
  return { drain, writer, said, access, remotes, counts, counters: cells.counters }
}

test('lines go where they belong', () => {
  withDrain(1_000, ({ writer, said, access, remotes }) => {
    writer.write(LOG, WARNING, 'a')
    writer.write(ACCESS, INFO, 'b')
    writer.write(REMOTE, INFO, 'down\x001\x002\0c\0refused')
    writer.write(REMOTE, INFO, 'nonsense')
    mock.timers.tick(20)
    assert.deepEqual([said, access, remotes], [[[WARNING, 'a']], ['b'], ['c']])
  })
})

test('a quiet reactor wakes the drain for a line, a busy one does not', () => {
  withDrain(100_000, ({ writer, counts, access }) => {
    writer.write(ACCESS, INFO, 'first')
    assert.deepEqual([counts.wakes, access], [1, ['first']])
    for (let i = 0; i < 100; i++) {
      writer.write(ACCESS, INFO, String(i))
      mock.timers.tick(10)
    }
    assert.equal(counts.wakes, 1, 'the drain looks by itself')
    mock.timers.tick(40)
    assert.equal(access.length, 101)
    writer.write(ACCESS, INFO, 'after a pause')
    assert.deepEqual([counts.wakes, access.at(-1)], [2, 'after a pause'])
  })
})

test('lost lines are told of, once per loss', () => {
  withDrain(64, ({ writer, said, access }) => {
    writer.write(ACCESS, INFO, 'wakes')
    for (let i = 0; i < 5; i++) writer.write(ACCESS, INFO, 'x'.repeat(40))
    mock.timers.tick(20)
    const text = '4 log lines were dropped: they came faster than they were written'
    assert.deepEqual([access.length, said], [2, [[WARNING, text]]])
    mock.timers.tick(20)
    assert.equal(said.length, 1)
  })
})

test('a count of lost lines that is no sum is not logged', () => {
  withDrain(1_000, ({ writer, said, counters }) => {
    for (const count of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      counters[COUNT.logLinesDropped] = count
      writer.write(ACCESS, INFO, 'a')
      mock.timers.tick(40)
    }
    assert.deepEqual(said, [])
  })
})

test('what is left at the end is carried, and nothing goes on afterwards', () => {
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

test('a line whose writing throws does not end the drain', () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  const cells = localCells({ children: 1, remotes: 1, listeners: 1, ringBytes: 1_000 }).child(0)
  const { boundary, logged } = countingBoundary()
  const access: string[] = []
  const files = {
    access(line: string) {
      if (line === 'bad') throw new Error('injected')
      access.push(line)
    },
    key() {},
    remote() {},
  }
  const drain = new LogDrain(cells, () => {}, files, boundary)
  const writer = new LogRingWriter(cells, () => drain.drain())
  for (const line of ['first', 'bad', 'last']) {
    writer.write(ACCESS, INFO, line)
    mock.timers.tick(20)
  }
  drain.close()
  mock.timers.reset()
  assert.deepEqual([access, boundary.count], [['first', 'last'], 1])
  assert.match(logged[0] ?? '', /^internal error while handling the log ring of a child/)
})
