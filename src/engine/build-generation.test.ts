import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { listenerPlan, planOf, remotePlan } from '../../test/support/plans.js'
import { calls, closeAll, done, listenOnLoopback } from '../../test/support/sockets.js'
import { SKIP } from '../balance/skip-reason.js'
import type { SocketAddress } from '../base/address.js'
import { createCells } from '../cells/cells.js'
import type { CounterName } from '../cells/layout.js'
import { NO_LIMITS } from '../cells/limit-memory.js'
import type { Fd } from '../kernel/calls.js'
import { AF_INET, SOCK_STREAM } from '../kernel/constants.js'
import { linuxSystem } from '../kernel/linux-system.js'
import { mapPrivate } from '../kernel/memory.js'
import { decodeAddress, SOCKADDR_BYTES_MAX } from '../kernel/sockaddr.js'
import { COUNT } from '../observe/counters.js'
import { DecisionReader, type DecisionRecord } from '../observe/decision-ring.js'
import { openPoller } from '../reactor/open-poller.js'
import { BY_DEFAULT } from '../relay/opening/decided-by.js'
import { Reactor } from './build-reactor.js'
import { changed, type LiveMember, type LiveState, NO_LIVE_STATE, type StateChange } from './live-state.js'

/** sizeof(struct sockaddr_in). */
const ADDRESS_BYTES = 16

/** Bounds the wait for a connection that never comes: ten seconds. */
const TURNS_MAX = 1_000
const TURN_MS = 10

const DRAIN_DEADLINE_MS = 3_600_000
const SHORT_MS = 1

const SHAPE = { children: 1, remotes: 2, listeners: 1, pools: 1, ringBytes: 64 * 1024 }

/** A reactor with a listener and two remotes on real sockets. The test plays its control thread and the clients. */
class TwoRemotes {
  readonly reactor: Reactor
  readonly #poller = openPoller('epoll')
  readonly #cells = createCells(SHAPE)
  readonly #listenerAt = mapPrivate(SOCKADDR_BYTES_MAX)
  readonly #peer = mapPrivate(SOCKADDR_BYTES_MAX)
  readonly #servers: readonly Fd[]
  readonly #open: Fd[] = []

  /** What the remotes listen on. */
  readonly addresses: readonly SocketAddress[]

  /** `areDiscovered`: the two are slots for members. */
  constructor(live: LiveState, areDiscovered = false, drainDeadlineMs = DRAIN_DEADLINE_MS) {
    const places = [0, 1].map(() => mapPrivate(SOCKADDR_BYTES_MAX))
    this.#servers = places.map((place) => listenOnLoopback(place))
    this.addresses = places.map(({ bytes }) => decodeAddress(bytes))
    const remotes = this.addresses.map((address, i) =>
      remotePlan(`remote ${i}`, areDiscovered ? [] : [address]),
    )
    const planned = planOf({ listeners: [listenerPlan('listener')], remotes })
    const pools = planned.pools.map((pool) => ({
      ...pool,
      drainDeadlineMs,
      ...(areDiscovered ? { members: [], spares: pool.members } : {}),
    }))
    const plan = { ...planned, pools }
    const settings = {
      plan,
      live,
      cells: { fds: this.#cells.fdsOf(0), shape: SHAPE },
      sticky: [],
      limits: NO_LIMITS,
      childSlot: 0,
      sessionsMax: 100,
      wakeupFd: undefined,
      traceMask: 0,
      wireEnd: undefined,
      pipes: { pipesMax: 0, pipeBytes: 0 },
    }
    this.reactor = new Reactor(settings, linuxSystem(), this.#poller, () => {})
    const fd = listenOnLoopback(this.#listenerAt)
    this.reactor.handle({ kind: 'listen', slot: 0, fd, socketKind: 'tcp' })
  }

  /** A client connects and stays: the remote that it gets. */
  connect(): number {
    const client = done(calls.socket(AF_INET, SOCK_STREAM, 0))
    this.#open.push(client)
    calls.connect(client, this.#listenerAt, ADDRESS_BYTES)
    for (let turns = 0; turns < TURNS_MAX; turns++) {
      this.reactor.loop.turn(TURN_MS)
      for (const [i, server] of this.#servers.entries()) {
        const accepted = calls.accept(server, this.#peer)
        if (accepted < 0) continue
        this.#open.push(accepted)
        return i
      }
    }
    throw new Error('no remote gets the client')
  }

  /** Returns how many sessions are open after a turn. */
  turn(): number {
    this.reactor.loop.turn(TURN_MS)
    return this.#count('sessionsNow')
  }

  get endsDrained(): number {
    return this.#count('drained')
  }

  #count(name: CounterName): number {
    return this.#cells.cells.countersOf(0)[COUNT[name]] as number
  }

  /** As the head reads them. */
  decisions(): readonly DecisionRecord[] {
    const bounds = { listeners: 1, rules: 0, pools: 1, remotes: 2, nowMs: this.reactor.loop.nowMs }
    return new DecisionReader(this.#cells.cells.child(0)).read(bounds)
  }

  close(): void {
    closeAll(...this.#open.splice(0), ...this.#servers)
    this.#poller.close()
    this.#cells.close()
  }
}

const worlds: TwoRemotes[] = []

function openWorld(live: LiveState, areDiscovered = false, drainDeadlineMs?: number): TwoRemotes {
  const world = new TwoRemotes(live, areDiscovered, drainDeadlineMs)
  worlds.push(world)
  return world
}

afterEach(() => {
  for (const world of worlds.splice(0)) world.close()
})

/** The same changes to a reactor that runs, and in the state that another one starts with. */
function told(changes: readonly StateChange[]): readonly TwoRemotes[] {
  const early = openWorld(NO_LIVE_STATE)
  for (const change of changes) early.reactor.handle({ kind: 'state', change })
  return [early, openWorld(changes.reduce(changed, NO_LIVE_STATE))]
}

test('a remote in maintenance gets no clients, whenever the reactor hears of it', () => {
  const worlds = told([{ what: 'admin-state', remoteSlot: 0, state: 'maint', sinceMs: 0 }])
  for (const world of worlds) {
    assert.deepEqual([world.connect(), world.connect()], [1, 1])
    world.reactor.handle({
      kind: 'state',
      change: { what: 'admin-state', remoteSlot: 0, state: 'ready', sinceMs: 0 },
    })
    assert.equal(world.connect(), 0)
  }
})

test('the time to drain is counted from the moment that the head says, and those of the other remote are kept', () => {
  const world = openWorld(NO_LIVE_STATE)
  assert.deepEqual([world.connect(), world.connect()], [0, 1])
  const nowMs = linuxSystem().clock.monotonicMs()
  const drains = (sinceMs: number) => {
    const change = { what: 'admin-state', remoteSlot: 0, state: 'drain', sinceMs } as const
    world.reactor.handle({ kind: 'state', change })
  }
  drains(nowMs)
  assert.equal(world.turn(), 2)
  drains(nowMs - DRAIN_DEADLINE_MS)
  for (let turns = 0; turns < TURNS_MAX && world.turn() === 2; turns++);
  assert.equal(world.turn(), 1)
  assert.equal(world.endsDrained, 1)
})

test('clients are distributed by the weights of now', () => {
  for (const world of told([{ what: 'weight', remoteSlot: 1, weight: 3 }])) {
    const counts = [0, 0]
    for (let i = 0; i < 8; i++) {
      const remote = world.connect()
      counts[remote] = (counts[remote] as number) + 1
    }
    assert.deepEqual(counts, [2, 6])
  }
})

test('each choice of a remote is noted for the head', () => {
  const world = openWorld(changed(NO_LIVE_STATE, { what: 'weight', remoteSlot: 1, weight: 3 }))
  world.reactor.handle({
    kind: 'state',
    change: { what: 'admin-state', remoteSlot: 0, state: 'drain', sinceMs: 0 },
  })
  const chosen = [world.connect(), world.connect()]
  const noted = world.decisions()
  assert.deepEqual(chosen, [1, 1])
  for (const { attempts, candidates, listener, pool, remote, rule, skipped } of noted) {
    assert.deepEqual([remote, listener, rule, pool, attempts, candidates], [1, 0, BY_DEFAULT, 0, 0, 1])
    assert.deepEqual(
      [...skipped.entries()].filter(([, count]) => count > 0),
      [[SKIP.drain, 1]],
    )
  }
  assert.equal(noted.length, 2)
})

test('a remote without addresses gets no clients until it has one', () => {
  for (const world of told([{ what: 'addresses', remoteSlot: 1, addresses: [] }]))
    assert.deepEqual([world.connect(), world.connect()], [0, 0])
})

/** Members in the slots of both remotes, whose names are in the order of the slots backwards. */
function membersOf(
  { addresses }: TwoRemotes,
  weights: readonly number[],
  tiers = [0, 0],
): readonly LiveMember[] {
  return addresses.map((address, slot) => {
    const name = `member ${9 - slot}`
    return {
      slot,
      name,
      healthName: name,
      addresses: [address],
      weight: weights[slot] ?? 1,
      tier: tiers[slot] ?? 0,
    }
  })
}

function tell(world: TwoRemotes, joined: readonly LiveMember[], left: readonly number[] = []): void {
  world.reactor.handle({ kind: 'state', change: { what: 'members', joined, left } })
}

test('members that discovery has found get clients by weight, and none after they have left', () => {
  const world = openWorld(NO_LIVE_STATE, true)
  tell(world, membersOf(world, [1, 3]))
  const counts = [0, 0]
  for (let i = 0; i < 8; i++) {
    const remote = world.connect()
    counts[remote] = (counts[remote] as number) + 1
  }
  assert.deepEqual(counts, [2, 6])
  tell(world, [], [1])
  assert.deepEqual([world.connect(), world.connect()], [0, 0])
})

test('sessions of a member that has left end after the deadline, those of one that is back do not', () => {
  const world = openWorld(NO_LIVE_STATE, true, SHORT_MS)
  tell(world, membersOf(world, [1, 1]))
  assert.deepEqual([world.connect(), world.connect()].sort(), [0, 1])
  tell(world, [], [0, 1])
  const [first] = membersOf(world, [1, 1])
  tell(world, first === undefined ? [] : [first])
  for (let turns = 0; turns < TURNS_MAX && world.turn() === 2; turns++);
  assert.deepEqual([world.turn(), world.endsDrained], [1, 1])
  assert.equal(world.connect(), 0)
})

test('a reactor that starts later has the members, and a tier that changes moves clients', () => {
  const first = openWorld(NO_LIVE_STATE, true)
  const state = changed(NO_LIVE_STATE, {
    what: 'members',
    joined: membersOf(first, [1, 1], [1, 0]),
    left: [],
  })
  const world = openWorld(state, true)
  tell(world, membersOf(world, [1, 1], [1, 0]))
  assert.deepEqual([world.connect(), world.connect()], [1, 1])
  tell(world, membersOf(world, [1, 1], [0, 1]))
  assert.deepEqual([world.connect(), world.connect()], [0, 0])
})

test('the slot of a member that has left serves another one at another address', () => {
  const world = openWorld(NO_LIVE_STATE, true)
  const [first, second] = membersOf(world, [1, 1])
  assert.ok(first && second)
  tell(world, [first])
  assert.equal(world.connect(), 0)
  tell(world, [], [0])
  tell(world, [{ ...second, slot: 0 }])
  assert.equal(world.connect(), 1)
})
