import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { listenerPlan, planOf, remotePlan } from '../../test/support/plans.js'
import { calls, closeAll, done, listenOnLoopback } from '../../test/support/sockets.js'
import { createCells } from '../cells/cells.js'
import { NO_LIMITS } from '../cells/limit-memory.js'
import type { Fd } from '../kernel/calls.js'
import { AF_INET, SOCK_STREAM } from '../kernel/constants.js'
import { linuxSystem } from '../kernel/linux-system.js'
import { mapPrivate } from '../kernel/memory.js'
import { decodeAddress, SOCKADDR_BYTES_MAX } from '../kernel/sockaddr.js'
import { openPoller } from '../reactor/open-poller.js'
import { Reactor } from './build-reactor.js'
import { NO_LIVE_STATE } from './live-state.js'
import type { Report } from './reactor-settings.js'

/** sizeof(struct sockaddr_in). */
const ADDRESS_BYTES = 16

/** Bounds the wait for an event that never comes: ten seconds. */
const TURNS_MAX = 1_000
const TURN_MS = 10

const SHAPE = { children: 1, remotes: 1, listeners: 1, pools: 1, ringBytes: 64 * 1024 }

/** A reactor with a listener and a remote on real sockets. Nothing is accepted before its loop runs. */
class World {
  readonly reactor: Reactor
  readonly reports: Report['kind'][] = []
  readonly #poller = openPoller('epoll')
  readonly #cells = createCells(SHAPE)
  readonly #listenerAt = mapPrivate(SOCKADDR_BYTES_MAX)
  readonly #peer = mapPrivate(SOCKADDR_BYTES_MAX)
  readonly #server: Fd
  readonly #accepted: Fd[] = []

  constructor({ retireLimit = 0 } = {}) {
    const serverAt = mapPrivate(SOCKADDR_BYTES_MAX)
    this.#server = listenOnLoopback(serverAt)
    const plan = planOf({
      listeners: [listenerPlan('listener')],
      remotes: [remotePlan('remote', [decodeAddress(serverAt.bytes)])],
      relay: { retireLimit },
    })
    const settings = {
      plan,
      live: NO_LIVE_STATE,
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
    this.reactor = new Reactor(settings, linuxSystem(), this.#poller, ({ kind }) => this.reports.push(kind))
    const fd = listenOnLoopback(this.#listenerAt)
    this.reactor.handle({ kind: 'listen', slot: 0, fd, socketKind: 'tcp' })
  }

  /** A client in the queue of the listener. */
  connect(): Fd {
    const client = done(calls.socket(AF_INET, SOCK_STREAM, 0))
    calls.connect(client, this.#listenerAt, ADDRESS_BYTES)
    return client
  }

  /** Runs the loop until the remote has that many connections. */
  remoteHas(count: number): void {
    this.runUntil(() => {
      const fd = calls.accept(this.#server, this.#peer)
      if (fd >= 0) this.#accepted.push(fd)
      return this.#accepted.length === count
    })
  }

  /** The remote closes its connections. */
  remoteLeaves(): void {
    closeAll(...this.#accepted.splice(0))
  }

  runUntil(isDone: () => boolean): void {
    for (let turns = 0; turns < TURNS_MAX; turns++) {
      this.reactor.loop.turn(TURN_MS)
      if (isDone()) return
    }
    throw new Error(`waited in vain; reports: ${this.reports}; at the remote: ${this.#accepted.length}`)
  }

  close(): void {
    closeAll(...this.#accepted, this.#server)
    this.#poller.close()
    this.#cells.close()
  }
}

const worlds: World[] = []

function openWorld(...options: ConstructorParameters<typeof World>): World {
  const world = new World(...options)
  worlds.push(world)
  return world
}

afterEach(() => {
  for (const world of worlds.splice(0)) world.close()
})

test('reports idle after the last queued client, even if the first one has left', () => {
  const world = openWorld()
  const first = world.connect()
  const second = world.connect()
  calls.resetOnClose(first)
  calls.close(first)
  world.reactor.handle({ kind: 'drain' })
  world.remoteHas(1)
  assert.deepEqual(world.reports, [])
  calls.close(second)
  world.remoteLeaves()
  world.runUntil(() => world.reports.includes('idle'))
})

test('serves all queued clients, even if the retire limit is reached among them', () => {
  const world = openWorld({ retireLimit: 1 })
  const clients = [world.connect(), world.connect(), world.connect()]
  world.reactor.handle({ kind: 'drain' })
  world.remoteHas(3)
  closeAll(...clients)
})
