import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { AcceptorReport, AcceptorSettings } from '../engine/acceptor-settings.js'
import { DirectFleet } from './direct-fleet.js'

const LIMITS = { instancesMin: 2, instancesMax: 4, usersMin: 5, usersMax: 100 }

/** Longer than the fleet waits before it looks at the load, and before it lets idle children go. */
const LOOK_MS = 250
const SHRINK_MS = 8_000

/** A fleet whose children exist only here. */
class World {
  readonly reports: AcceptorReport[] = []
  readonly told: string[] = []
  readonly closed: number[] = []
  readonly loads = new Map<number, { sessions: number; places: number }>()
  rings = 0
  mayGrow = false
  readonly fleet: DirectFleet
  readonly #t: TestContext

  constructor(t: TestContext, limits = LIMITS) {
    this.#t = t
    t.mock.timers.enable({ apis: ['setInterval'] })
    this.fleet = new DirectFleet({
      limits,
      tell: (slot, message) => {
        const rest = message.kind === 'drain' ? ` ${message.abandoned.join()}` : ''
        this.told.push(`${slot} ${message.kind}${rest}`.trim())
      },
      loadOf: (slot) => this.loads.get(slot) ?? { sessions: 0, places: 0 },
      setMayGrow: (mayGrow) => {
        this.mayGrow = mayGrow
      },
      report: (report) => this.reports.push(report),
      closeFd: (fd) => this.closed.push(fd),
      wakeChildren: () => {
        this.rings++
      },
      say: () => {},
    })
    this.fleet.start()
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
    this.fleet.hear(slot, 'serving')
  }

  gone(slot: number): void {
    this.loads.delete(slot)
    this.fleet.post({ kind: 'gone', slot })
  }

  pass(ms: number): void {
    this.#t.mock.timers.tick(ms)
  }
}

test('the minimum runs always, and a child accepts when it has started', (t) => {
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
  world.fleet.hear(0, 'retiring')
  assert.deepEqual(world.wanted(), ['2'], 'a successor starts before the retiring child has ended')
  assert.deepEqual(world.told, ['0 drain'], 'it keeps its listeners open until then')
})

test('grows one child at a time, up to the maximum, and says whether it may', (t) => {
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

test('idle children above the minimum go, busy ones stay', (t) => {
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

test('a reload: prepared children accept when it is in force; the old ones empty what is given up', (t) => {
  const world = new World(t)
  for (const [slot, fd] of [
    [0, 10],
    [1, 11],
  ] as const) {
    world.fleet.post({ kind: 'listen', slot, fd })
  }
  for (const slot of [0, 1]) world.serving(slot)
  world.wanted()
  world.told.length = 0
  world.fleet.post({ kind: 'prepare', count: 2 })
  world.serving(2)
  assert.ok(!world.reports.some(({ kind }) => kind === 'prepared'))
  world.serving(3)
  assert.deepEqual(
    world.reports.filter(({ kind }) => kind === 'prepared'),
    [{ kind: 'prepared', isOk: true }],
  )
  assert.deepEqual(world.wanted(), ['2 fresh', '3 fresh'])
  assert.deepEqual(world.told, [])
  const settings = { plan: { workers: { placement: LIMITS } } } as AcceptorSettings
  world.fleet.post({ kind: 'reload', settings, kept: [[1, 0]] })
  assert.deepEqual(world.closed, [10])
  assert.deepEqual(world.told, ['2 accept', '3 accept', '0 drain 0', '1 drain 0'])
  assert.deepEqual(world.wanted(), [])
})

test('prepared children that die are told of, and given up ones end', (t) => {
  const world = new World(t)
  for (const slot of [0, 1]) world.serving(slot)
  world.reports.length = 0
  world.fleet.post({ kind: 'prepare', count: 1 })
  world.gone(2)
  assert.deepEqual(world.reports.at(-1), { kind: 'prepared', isOk: false })
  world.fleet.post({ kind: 'prepare', count: 1 })
  world.told.length = 0
  world.fleet.post({ kind: 'forget' })
  assert.deepEqual(world.told, ['2 drain'])
})

test('a child that retires while listeners are given up empties their queues', (t) => {
  const world = new World(t)
  world.fleet.post({ kind: 'listen', slot: 0, fd: 10 })
  for (const slot of [0, 1]) world.serving(slot)
  world.told.length = 0
  world.fleet.post({ kind: 'drain' })
  world.fleet.hear(0, 'retiring')
  assert.deepEqual(world.told, ['0 drain 0', '1 drain 0'])
})

test('draining: the sockets of the master close first, and the last child ends it', (t) => {
  const world = new World(t)
  world.fleet.post({ kind: 'listen', slot: 0, fd: 10 })
  for (const slot of [0, 1]) world.serving(slot)
  world.told.length = 0
  world.fleet.post({ kind: 'drain' })
  assert.deepEqual(world.closed, [10])
  assert.deepEqual(world.told, ['0 drain 0', '1 drain 0'])
  world.reports.length = 0
  world.gone(0)
  assert.deepEqual(world.reports, [])
  world.gone(1)
  assert.deepEqual(world.reports, [{ kind: 'idle' }])
})
