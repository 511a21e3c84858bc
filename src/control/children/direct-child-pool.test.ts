import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { KeptListeners } from '../../accept/kept-listeners.js'
import type { AcceptorReport, AcceptorSettings } from '../../engine/acceptor-settings.js'
import { ChildTable } from './child-table.js'
import { DirectChildPool } from './direct-child-pool.js'

const LIMITS = { instancesMin: 2, instancesMax: 4, usersMin: 5, usersMax: 100 }

const settings = (limits: typeof LIMITS) => ({ plan: { workers: { placement: limits } } }) as AcceptorSettings

/** Longer than the pool waits before it looks at the load, and before it lets idle children go. */
const LOOK_MS = 250
const SHRINK_MS = 8_000

const GENERATIONS = [{}, {}, {}] as const

/** A pool whose children exist only here. */
class World {
  readonly table = new ChildTable()
  #nth = 0
  readonly reports: AcceptorReport[] = []
  readonly told: string[] = []
  readonly closed: number[] = []
  readonly loads = new Map<number, { sessions: number; places: number }>()
  rings = 0
  mayGrow = false
  readonly pool: DirectChildPool
  readonly #t: TestContext

  constructor(t: TestContext, limits = LIMITS) {
    this.#t = t
    t.mock.timers.enable({ apis: ['setInterval'] })
    this.table.putInForce(GENERATIONS[0])
    this.pool = new DirectChildPool({
      children: this.table,
      tell: (slot, message) => {
        const rest = message.kind === 'drain' ? ` ${message.abandoned.join()}` : ''
        this.told.push(`${slot} ${message.kind}${rest}`.trim())
      },
      loadOf: (slot) => this.loads.get(slot) ?? { sessions: 0, places: 0 },
      setMayGrow: (mayGrow) => {
        this.mayGrow = mayGrow
      },
      report: (report) => this.#onReport(report),
      closeFd: (fd) => this.closed.push(fd),
      wakeChildren: () => {
        this.rings++
      },
      say: () => {},
    })
    this.pool.start(settings(limits))
  }

  #onReport(report: AcceptorReport): void {
    this.reports.push(report)
    if (report.kind !== 'wanted') return
    const generation = GENERATIONS[report.isFresh ? this.#nth + 1 : this.#nth] as object
    this.table.add({ slot: report.slot, generation, phase: 'starting' })
  }

  prepare(count: number): void {
    this.table.setNext(GENERATIONS[this.#nth + 1])
    this.pool.post({ kind: 'prepare', count })
  }

  reload(kept: KeptListeners): void {
    this.#nth++
    this.table.putInForce(GENERATIONS[this.#nth] as object)
    this.pool.post({ kind: 'reload', settings: settings(LIMITS), kept })
  }

  retiring(slot: number): void {
    if (this.table.retired(slot)) this.pool.onNews(slot, 'retiring')
  }

  /** Slots wanted since the last time. */
  wanted(): string[] {
    const found = this.reports.splice(0).flatMap((report) => {
      return report.kind === 'wanted' ? `${report.slot}${report.isFresh ? ' fresh' : ''}` : []
    })
    return found
  }

  serving(slot: number, sessions = 0): void {
    this.loads.set(slot, { sessions, places: 100 })
    this.table.served(slot)
    this.pool.onNews(slot, 'serving')
  }

  gone(slot: number): void {
    this.loads.delete(slot)
    this.table.delete(slot)
    this.pool.post({ kind: 'gone', slot })
  }

  pass(ms: number): void {
    this.#t.mock.timers.tick(ms)
  }
}

test('keeps the minimum running, and lets a child accept when it has started', (t) => {
  const world = new World(t)
  assert.deepEqual(world.wanted(), ['0', '1'])
  assert.deepEqual(world.told, [])
  world.serving(0)
  assert.deepEqual(world.told, ['0 accept'])
  world.gone(1)
  assert.deepEqual(world.wanted(), ['1'])
  assert.equal(world.rings, 1, 'the others look whether the dead child has left somebody waiting')
  world.serving(1)
  world.told.length = 0
  world.retiring(0)
  assert.deepEqual(world.wanted(), ['2'], 'a successor starts before the retiring child has ended')
  assert.deepEqual(world.told, ['0 drain'], 'it keeps its listeners open until then')
})

test('grows one child at a time up to the maximum, and reports whether it may', (t) => {
  const world = new World(t)
  world.serving(0, 4)
  world.serving(1, 5)
  world.wanted()
  world.pass(LOOK_MS)
  assert.deepEqual(world.wanted(), [], 'nine sessions are fewer than two times five')
  world.serving(0, 5)
  world.pass(LOOK_MS * 4)
  assert.deepEqual(world.wanted(), ['2'], 'no fourth one before the third has started')
  world.serving(2, 5)
  world.pass(LOOK_MS)
  assert.deepEqual(world.wanted(), ['3'])
  assert.equal(world.mayGrow, true, 'the fourth does not accept yet')
  world.serving(3, 50)
  world.pass(LOOK_MS)
  assert.deepEqual(world.wanted(), [])
  assert.equal(world.mayGrow, false)
  world.gone(3)
  assert.equal(world.mayGrow, true)
})

test('ends idle children above the minimum, keeps busy ones', (t) => {
  const world = new World(t)
  for (const slot of [0, 1]) world.serving(slot, 5)
  world.pass(LOOK_MS)
  world.serving(2, 1)
  for (const slot of [0, 1]) world.serving(slot, 0)
  world.told.length = 0
  world.pass(SHRINK_MS)
  assert.deepEqual(world.told, ['0 drain'])
  world.gone(0)
  world.told.length = 0
  world.pass(SHRINK_MS)
  assert.deepEqual(world.told, [], 'the minimum stays')
})

test('at a reload prepared children accept and old ones empty abandoned listeners', (t) => {
  const world = new World(t)
  for (const [slot, fd] of [
    [0, 10],
    [1, 11],
  ] as const) {
    world.pool.post({ kind: 'listen', slot, fd })
  }
  for (const slot of [0, 1]) world.serving(slot)
  world.wanted()
  world.told.length = 0
  world.prepare(2)
  world.serving(2)
  assert.ok(!world.reports.some(({ kind }) => kind === 'prepared'))
  world.serving(3)
  assert.deepEqual(
    world.reports.filter(({ kind }) => kind === 'prepared'),
    [{ kind: 'prepared', isOk: true }],
  )
  assert.deepEqual(world.wanted(), ['2 fresh', '3 fresh'])
  assert.deepEqual(world.told, [])
  world.reload(new Map([[1, 0]]))
  assert.deepEqual(world.closed, [10])
  assert.deepEqual(world.told, ['2 accept', '3 accept', '0 drain 0', '1 drain 0'])
  assert.deepEqual(world.wanted(), [])
})

test('reports when no prepared child is left, and ends given up ones', (t) => {
  const world = new World(t)
  for (const slot of [0, 1]) world.serving(slot)
  world.reports.length = 0
  world.prepare(1)
  world.gone(2)
  assert.deepEqual(world.reports.at(-1), { kind: 'prepared', isOk: false })
  world.prepare(1)
  world.told.length = 0
  world.pool.post({ kind: 'forget' })
  assert.deepEqual(world.told, ['2 drain'])
})

test('a child that retires while listeners are given up empties their queues', (t) => {
  const world = new World(t)
  world.pool.post({ kind: 'listen', slot: 0, fd: 10 })
  for (const slot of [0, 1]) world.serving(slot)
  world.told.length = 0
  world.pool.post({ kind: 'drain' })
  world.retiring(0)
  assert.deepEqual(world.told, ['0 drain 0', '1 drain 0'])
})

test('drains by closing the sockets of the master first, and is idle after the last child', (t) => {
  const world = new World(t)
  world.pool.post({ kind: 'listen', slot: 0, fd: 10 })
  for (const slot of [0, 1]) world.serving(slot)
  world.told.length = 0
  world.pool.post({ kind: 'drain' })
  assert.deepEqual(world.closed, [10])
  assert.deepEqual(world.told, ['0 drain 0', '1 drain 0'])
  world.reports.length = 0
  world.gone(0)
  assert.deepEqual(world.reports, [])
  world.gone(1)
  assert.deepEqual(world.reports, [{ kind: 'idle' }])
})
