import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { listenerPlan, planOf } from '../../test/support/plans.js'
import { calls, closeAll, done, listenOnLoopback } from '../../test/support/sockets.js'
import { plainAccept, WirePeer } from '../../test/support/wire-peer.js'
import { NO_ACCESS_RULES } from '../admission/rule-list-plan.js'
import { createCells } from '../cells/cells.js'
import { NO_LIMITS } from '../cells/limit-memory.js'
import type { Fd } from '../kernel/calls.js'
import { AF_INET, SOCK_STREAM } from '../kernel/constants.js'
import { linuxSystem } from '../kernel/linux-system.js'
import { mapPrivate } from '../kernel/memory.js'
import { SOCKADDR_BYTES_MAX } from '../kernel/sockaddr.js'
import { openPoller } from '../reactor/open-poller.js'
import { ACCEPT, MAX, MAY_DIE } from '../wire/child-message.js'
import type { AcceptorReport, AcceptorSettings } from './acceptor-settings.js'
import { Acceptor } from './build-acceptor.js'
import type { ListenerPlan } from './plan.js'

/** sizeof(struct sockaddr_in). */
const ADDRESS_BYTES = 16

/** Bounds a wait, so that a message that never comes fails the test after ten seconds. */
const TURNS_MAX = 1_000
const TURN_MS = 10

const SHAPE = { children: 1, remotes: 0, listeners: 0, pools: 1, ringBytes: 64 * 1024 }

const listenerNamed = (name: string, listenerMark: number): ListenerPlan =>
  listenerPlan(name, { message: { ...plainAccept, listenerMark } })

/** A master's reactor over the real kernel. The test plays the control thread, the child and its clients. */
class AcceptorWorld {
  readonly reports: AcceptorReport[] = []
  readonly acceptor: Acceptor
  readonly #poller = openPoller('epoll')
  readonly #cells = createCells(SHAPE)
  readonly #address = mapPrivate(SOCKADDR_BYTES_MAX)
  readonly #open: Fd[] = []

  constructor() {
    const settings = this.settings(listenerNamed('first', 1))
    this.acceptor = new Acceptor(settings, linuxSystem(), this.#poller, (report) => {
      this.reports.push(report)
    })
    this.acceptor.start()
  }

  settings(...listeners: readonly ListenerPlan[]): AcceptorSettings {
    return {
      plan: planOf({ listeners }),
      access: NO_ACCESS_RULES,
      cells: { fds: this.#cells.fdsOf(0), shape: SHAPE },
      limits: NO_LIMITS,
      front: undefined,
    }
  }

  /** The end of the wire that belongs to the child of the `index`-th request for one. */
  child(index: number): WirePeer {
    const wanted = this.reports.filter((report) => report.kind === 'wanted')[index]
    assert.ok(wanted?.fd !== undefined, `no child ${index} is wanted`)
    this.#open.push(wanted.fd)
    return new WirePeer(wanted.fd)
  }

  listen(slot: number): void {
    this.acceptor.handle({ kind: 'listen', slot, fd: listenOnLoopback(this.#address) })
  }

  connect(): void {
    const client = done(calls.socket(AF_INET, SOCK_STREAM, 0))
    this.#open.push(client)
    calls.connect(client, this.#address, ADDRESS_BYTES)
  }

  /** The next message that the child receives. */
  next(child: WirePeer) {
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      this.acceptor.loop.turn(TURN_MS)
      const [message] = child.hear(1)
      if (message === undefined) continue
      if (message.fd >= 0) this.#open.push(message.fd)
      return message
    }
    throw new Error('the child receives nothing')
  }

  /** Turns the loop until a report of this kind has come. */
  report(kind: AcceptorReport['kind']): void {
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      if (this.reports.some((report) => report.kind === kind)) return
      this.acceptor.loop.turn(TURN_MS)
    }
    throw new Error(`no report '${kind}'`)
  }

  close(): void {
    this.#poller.close()
    this.#cells.close()
    closeAll(...this.#open.splice(0))
  }
}

const worlds: AcceptorWorld[] = []

function openWorld(): AcceptorWorld {
  const world = new AcceptorWorld()
  worlds.push(world)
  return world
}

afterEach(() => {
  for (const world of worlds.splice(0)) world.close()
})

test('an accepted client goes to the child with the message of its listener', () => {
  const world = openWorld()
  const child = world.child(0)
  child.say(MAX, 10)
  world.listen(0)
  world.connect()
  const { accept, fd, type } = world.next(child)
  assert.deepEqual([type, accept?.listenerMark, fd >= 0], [ACCEPT, 1, true])
  assert.deepEqual(
    world.reports.filter(({ kind }) => kind === 'started'),
    [{ kind: 'started', slot: 0 }],
  )
})

test('ping is answered by pong', () => {
  const world = openWorld()
  world.acceptor.handle({ kind: 'ping' })
  assert.equal(world.reports.at(-1)?.kind, 'pong')
})

test('a reload keeps the listener, and its clients go to a prepared child', () => {
  const world = openWorld()
  const old = world.child(0)
  old.say(MAX, 10)
  world.listen(0)
  world.connect()
  assert.equal(world.next(old).accept?.listenerMark, 1)
  world.acceptor.handle({ kind: 'prepare', count: 1 })
  const fresh = world.child(1)
  fresh.say(MAX, 10)
  world.report('prepared')
  const settings = world.settings(listenerNamed('new', 1), listenerNamed('first', 2))
  world.acceptor.handle({ kind: 'reload', settings, kept: new Map([[0, 1]]) })
  assert.equal(world.reports.at(-1)?.kind, 'reloaded')
  world.connect()
  assert.equal(world.next(fresh).accept?.listenerMark, 2)
  assert.equal(world.next(old).type, MAY_DIE)
})

test('draining ends with a report once the last child is gone', () => {
  const world = openWorld()
  const child = world.child(0)
  child.say(MAX, 10)
  world.listen(0)
  world.acceptor.handle({ kind: 'drain' })
  assert.equal(world.next(child).type, MAY_DIE)
  assert.ok(!world.reports.some(({ kind }) => kind === 'idle'))
  world.acceptor.handle({ kind: 'gone', slot: 0 })
  assert.equal(world.reports.at(-1)?.kind, 'idle')
})
