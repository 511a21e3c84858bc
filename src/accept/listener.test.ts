import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, FakePoller } from '../../test/support/fake-poller.js'
import { COUNTERS, LISTENER_COUNTERS } from '../cells/layout.js'
import type { Calls } from '../kernel/calls.js'
import { EAGAIN, ECONNABORTED, EINTR, EMFILE, ENFILE, ENOMEM, EPROTO } from '../kernel/errno.js'
import { linuxCalls } from '../kernel/linux-calls.js'
import { heapRegion } from '../kernel/region.js'
import { COUNT, CounterTable } from '../observe/counters.js'
import { Loop } from '../reactor/loop.js'
import { ConnectionLimit, type Siblings } from './connection-limit.js'
import { Listener } from './listener.js'
import type { ListenerPlaces } from './listener-places.js'

/** Listeners and their limit over a fake kernel with `waiting` clients in the queue of each descriptor. */
class World {
  readonly poller = new FakePoller()
  readonly clock = new FakeClock()
  readonly loop = new Loop(this.poller, this.clock)
  readonly counters = new Float64Array(COUNTERS.length)
  readonly listenerCounters = new CounterTable(new Float64Array(), LISTENER_COUNTERS.length, [])
  readonly lines: string[] = []
  readonly delivered: (readonly [fd: number, slot: number])[] = []
  readonly closed: number[] = []
  readonly waiting = new Map<number, number>()
  /** Outcomes that accept(2) returns before any client. */
  failures: number[] = []
  /** Places of single listeners that are free; others have any number. */
  readonly free = new Map<number, number>()
  readonly places: ListenerPlaces = {
    take: (slot) => this.#changeFree(slot, -1),
    giveBack: (slot) => this.#changeFree(slot, 1),
    hasRoom: (slot) => (this.free.get(slot) ?? 1) > 0,
  }
  sessions = 0
  accepts = 0
  readonly connectionLimit: ConnectionLimit
  readonly #sessionsMax: number

  constructor(sessionsMax = 1_000_000, others?: Siblings) {
    this.#sessionsMax = sessionsMax
    this.connectionLimit = new ConnectionLimit(
      () => sessionsMax,
      () => this.sessions,
      this.loop,
      (_severity, line) => this.lines.push(line),
      'queue',
      others,
    )
  }

  listener(fd: number, slot = fd): Listener {
    const calls: Calls = {
      ...linuxCalls(),
      accept: (fd) => this.#accept(fd),
      close: (fd) => {
        this.closed.push(fd)
        return 0
      },
    }
    const context = {
      system: { calls, clock: this.clock },
      loop: this.loop,
      deliver: (accepted: number, slot: number) => {
        this.delivered.push([accepted, slot])
        this.sessions++
      },
      hasRoom: () => this.connectionLimit.hasRoom(),
      onFull: () => this.connectionLimit.onFull(),
      places: this.places,
      onListenerFull: (full: Listener) => this.connectionLimit.onListenerFull(full),
      counters: this.counters,
      listenerCounters: this.listenerCounters,
      log: (_severity: number, line: string) => void this.lines.push(line),
      peer: heapRegion(128),
      isSiblingNext: undefined,
    }
    const listener = new Listener(context, slot, `listener ${slot}`, fd)
    this.connectionLimit.add(listener)
    return listener
  }

  /** One turn of the loop in which every watched listener with clients is ready. Returns how many were accepted. */
  turn(): number {
    const before = this.delivered.length
    for (const [fd, count] of this.waiting)
      if (count > 0 || this.failures.length > 0) this.poller.makeReady(fd)
    this.loop.turn(0)
    assert.ok(this.sessions <= this.#sessionsMax, 'more sessions than allowed')
    return this.delivered.length - before
  }

  #changeFree(slot: number, by: number): boolean {
    const free = this.free.get(slot)
    if (free === undefined) return true
    if (free + by < 0) return false
    this.free.set(slot, free + by)
    return true
  }

  #accept(fd: number): number {
    this.accepts++
    const failure = this.failures.shift()
    if (failure !== undefined) return failure
    const count = this.waiting.get(fd) ?? 0
    if (count === 0) return -EAGAIN
    this.waiting.set(fd, count - 1)
    return 1_000 + this.delivered.length
  }
}

test('accepts one client per turn and doubles that in each consecutive turn, up to a limit', () => {
  const world = new World()
  world.listener(5, 3)
  world.waiting.set(5, 500)
  const bursts = Array.from({ length: 10 }, () => world.turn())
  assert.deepEqual(bursts, [1, 2, 4, 8, 16, 32, 64, 64, 64, 64])
  assert.ok(world.delivered.every(([, slot]) => slot === 3))
})

test('a single client costs one accept, also after a burst', () => {
  const world = new World()
  world.listener(5)
  world.waiting.set(5, 7)
  assert.deepEqual([world.turn(), world.turn(), world.turn()], [1, 2, 4])
  world.waiting.set(5, 3)
  assert.deepEqual([world.turn(), world.accepts], [3, 7 + 4], 'the fourth accept finds an empty queue')
  world.waiting.set(5, 1)
  assert.deepEqual([world.turn(), world.accepts], [1, 12])
})

test('continues after a client that disconnected in the queue', () => {
  const world = new World()
  const listener = world.listener(5)
  world.waiting.set(5, 3)
  world.failures = [-ECONNABORTED, -EPROTO, -EINTR]
  while (world.failures.length > 0 || (world.waiting.get(5) ?? 0) > 0) world.turn()
  assert.deepEqual([world.delivered.length, world.lines, listener.isAccepting], [3, [], true])
})

test('without descriptors pauses, logs once and resumes by itself', () => {
  for (const errno of [EMFILE, ENFILE, ENOMEM]) {
    const world = new World()
    const listener = world.listener(5)
    world.waiting.set(5, 2)
    world.failures = [-errno]
    world.turn()
    assert.deepEqual([listener.isAccepting, world.delivered.length], [false, 0])
    assert.match(world.lines.join('|'), /^listener 5: cannot accept: [a-z ]+; new connections wait$/)
    const { accepts } = world
    for (let i = 0; i < 20; i++) {
      world.clock.nowMs += 10
      world.turn()
    }
    assert.equal(world.accepts, accepts, 'it does not spin meanwhile')
    for (let i = 0; i < 6; i++) {
      world.failures = [-errno]
      world.clock.nowMs += 254
      world.turn()
      world.turn()
    }
    assert.equal(world.lines.length, 1, 'one line, however long it lasts')
    world.failures = []
    world.clock.nowMs += 254
    world.turn()
    assert.equal(listener.isAccepting, true)
    while ((world.waiting.get(5) ?? 0) > 0) world.turn()
    assert.equal(world.delivered.length, 2)
    assert.ok((world.counters[COUNT.acceptPauses] ?? 0) >= 2)
    world.failures = [-errno]
    world.turn()
    assert.equal(world.lines.length, 2, 'the next shortage is logged again')
  }
})

test('retries when the poller refuses the watch', () => {
  const world = new World()
  world.poller.outcome = -ENOMEM
  const listener = world.listener(5)
  assert.equal(listener.isAccepting, false)
  world.poller.outcome = 0
  world.clock.nowMs += 254
  world.turn()
  assert.equal(listener.isAccepting, true)
})

test('at the limit all listeners pause until a session ends', () => {
  const world = new World(3)
  const listeners = [world.listener(5), world.listener(6)]
  world.waiting.set(5, 10).set(6, 10)
  for (let i = 0; i < 5; i++) world.turn()
  assert.deepEqual(
    listeners.map(({ isAccepting }) => isAccepting),
    [false, false],
  )
  assert.deepEqual(world.lines, ['limit of 3 concurrent users reached, queueing new connections'])
  world.sessions--
  world.connectionLimit.onRoom()
  for (let i = 0; i < 5; i++) world.turn()
  assert.deepEqual([world.delivered.length, world.sessions], [4, 3])
})

test('a limit that is reached again and again is logged once, and its recovery once', () => {
  const world = new World(2)
  world.listener(5)
  world.waiting.set(5, 100)
  for (let i = 0; i < 50; i++) {
    world.turn()
    world.clock.nowMs += 100
    if (world.sessions < 2) continue
    world.sessions--
    world.connectionLimit.onRoom()
  }
  assert.equal(world.lines.length, 1)
  world.waiting.set(5, 0)
  world.sessions = 0
  world.connectionLimit.onRoom()
  for (let i = 0; i < 20; i++) {
    world.turn()
    world.clock.nowMs += 100
  }
  assert.deepEqual(world.lines.slice(1), ['resuming normal operation'])
})

/** Lets time pass without clients. */
function quiet(world: World): void {
  world.waiting.clear()
  for (let i = 0; i < 20; i++) {
    world.turn()
    world.clock.nowMs += 100
  }
}

const FULL_AND_OVER = [
  'limit of 2 concurrent users reached, queueing new connections',
  'resuming normal operation',
]

test('a limit that replaces another one logs its recovery', () => {
  const world = new World(2)
  world.listener(5)
  world.waiting.set(5, 3)
  for (let i = 0; i < 5; i++) world.turn()
  assert.deepEqual(world.lines, FULL_AND_OVER.slice(0, 1))
  let sessions = 2
  const successor = new ConnectionLimit(
    () => 2,
    () => sessions,
    world.loop,
    (_severity, line) => world.lines.push(line),
  )
  successor.takeOver(world.connectionLimit)
  successor.onFull()
  quiet(world)
  assert.equal(world.lines.length, 1, 'it is full too, which is not logged again')
  sessions = 1
  successor.onRoom()
  quiet(world)
  assert.deepEqual(world.lines, FULL_AND_OVER)
})

for (const [closing, lines] of [
  ['now', FULL_AND_OVER],
  ['after-queue', FULL_AND_OVER.slice(0, 1)],
] as const) {
  test(`a limit that stops while siblings serve its clients logs the recovery: ${closing}`, () => {
    const world = new World(2)
    world.listener(5)
    world.waiting.set(5, 3)
    for (let i = 0; i < 5; i++) world.turn()
    world.connectionLimit.stop(() => closing)
    quiet(world)
    assert.deepEqual(world.lines, lines)
  })
}

test('a shortage and the limit do not resume the listeners of each other', () => {
  const world = new World(1)
  const [short, full] = [world.listener(5), world.listener(6)]
  world.waiting.set(5, 1)
  world.failures = [-EMFILE]
  world.turn()
  assert.equal(short.isAccepting, false)
  world.waiting.set(5, 0).set(6, 2)
  world.turn()
  world.turn()
  assert.equal(full.isAccepting, false)
  for (let i = 0; i < 10; i++) {
    world.clock.nowMs += 300
    world.turn()
  }
  assert.deepEqual([short.isAccepting, full.isAccepting], [false, false], 'the pause of one ended in vain')
  world.sessions--
  world.connectionLimit.onRoom()
  assert.deepEqual([short.isAccepting, full.isAccepting], [true, true])
})

test('`stop` closes the listeners for good', () => {
  const world = new World(1)
  const listener = world.listener(5)
  world.listener(6)
  world.waiting.set(5, 5)
  world.turn()
  world.connectionLimit.stop(() => 'now')
  assert.deepEqual(world.closed, [5, 6])
  world.sessions = 0
  world.connectionLimit.onRoom()
  world.clock.nowMs += 1_000
  world.turn()
  assert.deepEqual([listener.isAccepting, world.delivered.length, world.loop.watchCount], [false, 1, 0])
})

test('`suspend` leaves clients in open queues, from which `stop` takes them', () => {
  const world = new World(3)
  world.listener(5)
  world.waiting.set(5, 10)
  while (world.turn() > 0);
  world.connectionLimit.suspend()
  world.listener(6)
  world.waiting.set(6, 1)
  world.sessions -= 2
  world.connectionLimit.onRoom()
  world.clock.nowMs += 1_000
  world.turn()
  assert.deepEqual([world.delivered.length, world.closed, world.loop.watchCount], [3, [], 0])
  world.connectionLimit.stop((slot) => (slot === 5 ? 'after-queue' : 'now'))
  assert.deepEqual([world.delivered.length, world.closed], [5, [5, 6]])
})

test('`stop` in the middle of a burst ends it', () => {
  const world = new World()
  world.listener(5)
  world.waiting.set(5, 100)
  while (world.delivered.length < 7) world.turn()
  const { length } = world.delivered
  Object.defineProperty(world, 'sessions', {
    get: () => 0,
    set: () => {
      if (world.delivered.length === length + 2) world.connectionLimit.stop(() => 'now')
    },
  })
  world.turn()
  assert.equal(world.delivered.length, length + 2)
})

test('a shortage pause does not outlive `stop`', () => {
  const world = new World()
  world.listener(5)
  world.waiting.set(5, 5)
  world.failures = [-EMFILE]
  world.turn()
  world.connectionLimit.stop(() => 'now')
  world.clock.nowMs += 1_000
  world.turn()
  assert.deepEqual([world.loop.watchCount, world.loop.timers.count, world.delivered.length], [0, 0, 0])
})

test('a listener added after `stop` is closed', () => {
  const world = new World()
  world.connectionLimit.stop(() => 'now')
  const late = world.listener(7)
  assert.deepEqual([late.isAccepting, world.closed], [false, [7]])
})

test('a listener added at the limit is paused like the others', () => {
  const world = new World(1)
  world.listener(5)
  world.waiting.set(5, 2)
  world.turn()
  world.turn()
  const second = world.listener(6)
  assert.equal(second.isAccepting, false)
  world.sessions--
  world.connectionLimit.onRoom()
  assert.equal(second.isAccepting, true)
})

test('with a shared queue re-arms when the first place is free again', () => {
  const world = new World(2, { haveRoom: () => false, wakeSiblings: () => {} })
  world.listener(5)
  const asks = (sessions: number) => {
    world.poller.calls.length = 0
    world.sessions = sessions
    world.connectionLimit.onRoom()
    return world.poller.calls
  }
  world.sessions = 2
  assert.deepEqual(asks(1), ['remove 5', 'add 5 level'], 'begins to wait anew')
  assert.deepEqual(asks(0), [], 'there was room before')
})

test('a listener at its own limit leaves clients in the queue until it has a place', () => {
  const world = new World()
  const [limited, other] = [world.listener(5), world.listener(6)]
  world.free.set(5, 2)
  world.waiting.set(5, 4).set(6, 1)
  for (let i = 0; i < 4; i++) world.turn()
  assert.deepEqual([world.waiting.get(5), world.waiting.get(6)], [2, 0])
  assert.deepEqual([limited.isAccepting, other.isAccepting], [false, true])
  world.connectionLimit.onListenerRoom()
  assert.equal(limited.isAccepting, false, 'it still has no place')
  world.free.set(5, 1)
  world.connectionLimit.onListenerRoom()
  for (let i = 0; i < 4; i++) world.turn()
  assert.equal(world.waiting.get(5), 1)
  assert.equal(world.loop.timers.count, 0, 'nothing polls')
})

test('a place that was taken for nobody is given back', () => {
  const world = new World()
  const listener = world.listener(5)
  world.free.set(5, 1)
  world.failures = [-ECONNABORTED, -EAGAIN]
  world.turn()
  assert.deepEqual([world.free.get(5), listener.isAccepting], [1, true])
})

test('siblings are woken for the place of a shared listener, and look themselves every now and then', () => {
  let wakes = 0
  const world = new World(1_000, { haveRoom: () => false, wakeSiblings: () => void wakes++ })
  const listener = world.listener(5)
  world.free.set(5, 0)
  world.waiting.set(5, 1)
  world.turn()
  assert.equal(listener.isAccepting, false)
  world.free.set(5, 1)
  world.clock.nowMs += 25
  world.loop.turn(0)
  assert.equal(world.turn(), 1, 'a sibling has given back a place without a word')
  world.connectionLimit.onListenerRoom()
  assert.deepEqual([wakes, world.loop.timers.count], [1, 0])
})

test('a listener that gets a place while all are paused resumes with the others', () => {
  const world = new World()
  const listener = world.listener(5)
  world.free.set(5, 0)
  world.waiting.set(5, 1)
  world.turn()
  world.connectionLimit.suspend()
  world.free.set(5, 1)
  world.connectionLimit.onListenerRoom()
  assert.equal(listener.isAccepting, false)
})
