import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { COUNTERS, LISTENER_COUNTERS, REMOTE_COUNTERS } from '../cells/layout.js'
import { COUNT, LISTENER_COUNT, REMOTE_COUNT } from '../observe/counters.js'
import { type CountedRows, CounterKeeper, type CounterSums } from './counter-keeper.js'

function rowsFor(listeners: readonly string[], remotes: readonly string[]): CountedRows {
  const table = (columns: number, names: readonly string[]) => ({
    cells: new Float64Array(names.length * columns),
    names,
    // Backwards, so that a row that is taken for its neighbour is noticed.
    slots: names.map((_, i) => names.length - 1 - i),
  })
  return {
    counters: new Float64Array(COUNTERS.length),
    listeners: table(LISTENER_COUNTERS.length, listeners),
    remotes: table(REMOTE_COUNTERS.length, remotes),
  }
}

test('sums are of all rows with a name, and what has ended is added once', () => {
  const keeper = new CounterKeeper()
  const [first, second] = [rowsFor(['a', 'b'], ['x']), rowsFor(['b'], ['x', 'x'])]
  for (const rows of [first, second]) keeper.begin(rows)
  const width = LISTENER_COUNTERS.length
  first.listeners.cells[width + LISTENER_COUNT.accepted] = 1
  first.listeners.cells[LISTENER_COUNT.accepted] = 10
  second.listeners.cells[LISTENER_COUNT.accepted] = 100
  first.remotes.cells[REMOTE_COUNT.resets] = 1
  second.remotes.cells[REMOTE_COUNT.resets] = 2
  second.remotes.cells[REMOTE_COUNTERS.length + REMOTE_COUNT.resets] = 4
  first.counters[COUNT.tlsErrors] = 3
  for (const ended of [undefined, first, first, second]) {
    if (ended !== undefined) keeper.end(ended)
    const { listeners, process, remotes } = keeper.read()
    assert.equal(listeners.get('a')?.accepted, 1)
    assert.equal(listeners.get('b')?.accepted, 110)
    assert.equal(remotes.get('x')?.resets, 7)
    assert.equal(process.tlsErrors, 3)
  }
})

test('a row that gets another name counts for it from then on, and the sums of both stay', () => {
  const keeper = new CounterKeeper()
  const rows = rowsFor([], ['x', 'y'])
  keeper.begin(rows)
  const x = REMOTE_COUNTERS.length + REMOTE_COUNT.resets
  rows.remotes.cells[x] = 5
  keeper.renameRemote(rows, 1, 'z')
  rows.remotes.cells[x] = 7
  for (const isEnded of [false, true]) {
    if (isEnded) keeper.end(rows)
    const { remotes } = keeper.read()
    assert.deepEqual(
      [remotes.get('x')?.resets, remotes.get('z')?.resets, remotes.get('y')?.resets],
      [5, 2, 0],
    )
  }
})

test('of very many members that have gone, the sums of the oldest are one', () => {
  const keeper = new CounterKeeper()
  const rows = rowsFor([], ['m0'])
  keeper.begin(rows)
  const members = 12_000
  for (let i = 1; i <= members; i++) {
    rows.remotes.cells[REMOTE_COUNT.resets] = i
    keeper.renameRemote(rows, 0, `m${i}`)
  }
  const { remotes } = keeper.read()
  assert.ok(remotes.size < members)
  assert.equal(remotes.get('m11999')?.resets, 1)
  assert.equal(
    [...remotes.values()].reduce((total, { resets }) => total + resets, 0),
    members,
  )
})

test('before anybody counts, everything is zero', () => {
  const { listeners, process, remotes } = new CounterKeeper().read()
  assert.equal(listeners.size + remotes.size, 0)
  assert.deepEqual(Object.keys(process), [...COUNTERS])
  assert.ok(Object.values(process).every((count) => count === 0))
})

test('a gauge is that of the present rows, and may fall', () => {
  const keeper = new CounterKeeper()
  const [first, second] = [rowsFor(['a'], []), rowsFor(['a'], [])]
  for (const [rows, sessions] of [
    [first, 5],
    [second, 7],
  ] as const) {
    keeper.begin(rows)
    rows.counters[COUNT.sessionsNow] = sessions
    rows.listeners.cells[LISTENER_COUNT.sessionsNow] = sessions
  }
  const sessions = () => {
    const { listeners, process } = keeper.read()
    return [process.sessionsNow, listeners.get('a')?.sessionsNow]
  }
  assert.deepEqual(sessions(), [12, 12])
  first.counters[COUNT.sessionsNow] = 2
  first.listeners.cells[LISTENER_COUNT.sessionsNow] = 2
  assert.deepEqual(sessions(), [9, 9])
  keeper.end(second)
  assert.deepEqual(sessions(), [2, 2])
})

test('a master adds its sums to those of its children, and no gauges', () => {
  const keeper = new CounterKeeper()
  const [child, master] = [keeper.begin(rowsFor([], [])), new Float64Array(COUNTERS.length)]
  keeper.beginMaster(master)
  for (const counters of [child.counters, master]) counters.fill(2)
  assert.equal(keeper.read().process.rejected, 4)
  assert.equal(keeper.read().process.sessionsNow, 2)
})

const NAMES = ['a', 'b', 'c']
const hostile = fc.constantFrom(
  Number.NaN,
  Number.NEGATIVE_INFINITY,
  Number.POSITIVE_INFINITY,
  -1,
  0.5,
  0.1,
  2 ** 53,
  Number.MAX_SAFE_INTEGER,
  Number.MAX_VALUE,
)
const names = fc.subarray(NAMES)
const step = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('begin' as const), listeners: names, remotes: names }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('end' as const), child: fc.nat() }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('count' as const),
      child: fc.nat(),
      cell: fc.nat(),
      by: fc.nat(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('lie' as const),
      child: fc.nat(),
      cell: fc.nat(),
      value: hostile,
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'read' as const }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** One sum of a child, whichever `cell` means; a gauge stands for the first of its row. */
function pick({ counters, listeners, remotes }: CountedRows, cell: number): readonly [Float64Array, number] {
  const tables = [
    [counters, COUNTERS],
    [listeners.cells, LISTENER_COUNTERS],
    [remotes.cells, REMOTE_COUNTERS],
  ] as const
  const [cells, columns] = tables.filter(([{ length }]) => length > 0)[cell % 3] ?? tables[0]
  const index = Math.floor(cell / 3) % cells.length
  const column = index % columns.length
  return [cells, columns[column]?.endsWith('Now') ? index - column : index]
}

function play(keeper: CounterKeeper, steps: readonly Step[], onRead: (sums: CounterSums) => void): void {
  const children: CountedRows[] = []
  for (const step of steps) {
    if (step.kind === 'begin') children.push(keeper.begin(rowsFor(step.listeners, step.remotes)))
    else if (step.kind === 'read') onRead(keeper.read())
    else if (children.length > 0) {
      const at = step.child % children.length
      const rows = children[at] as CountedRows
      if (step.kind === 'end') {
        children.splice(at, 1)
        keeper.end(rows)
        for (const cells of [rows.counters, rows.listeners.cells, rows.remotes.cells]) cells.fill(0)
      } else {
        const [cells, index] = pick(rows, step.cell)
        cells[index] = step.kind === 'lie' ? step.value : (cells[index] as number) + step.by
      }
    }
  }
}

/** Every sum with a name of its own; gauges may fall. */
function sumsOf({ listeners, process, remotes }: CounterSums): Map<string, number> {
  const tables: [string, Readonly<Record<string, number>>][] = [['process', process]]
  for (const [name, row] of listeners) tables.push([`listener ${name}`, row])
  for (const [name, row] of remotes) tables.push([`remote ${name}`, row])
  return new Map(
    tables.flatMap(([table, row]) =>
      Object.entries(row).flatMap(([column, value]) =>
        column.endsWith('Now') ? [] : [[`${table} ${column}`, value] as const],
      ),
    ),
  )
}

test('no sum ever decreases, whatever children count, write and when they end', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      let before = new Map<string, number>()
      play(new CounterKeeper(), [...steps, { kind: 'read' }], (sums) => {
        const now = sumsOf(sums)
        for (const [name, value] of before) assert.ok((now.get(name) ?? -1) >= value, `${name}: ${value}`)
        for (const [name, value] of now)
          assert.ok(Number.isSafeInteger(value) && value >= 0, `${name}: ${value}`)
        before = now
      })
    }),
    { numRuns: 500 },
  )
})

test('of children that do not lie nothing is lost, and nothing is counted twice', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const honest = steps.filter(({ kind }) => kind !== 'lie')
      let children = 0
      let wanted = 0
      let found = 0
      for (const step of honest) {
        if (step.kind === 'begin') children++
        else if (step.kind === 'end') children = Math.max(0, children - 1)
        else if (step.kind === 'count' && children > 0) wanted += step.by
      }
      play(new CounterKeeper(), [...honest, { kind: 'read' }], (sums) => {
        found = [...sumsOf(sums).values()].reduce((sum, value) => sum + value, 0)
      })
      assert.equal(found, wanted)
    }),
  )
})
