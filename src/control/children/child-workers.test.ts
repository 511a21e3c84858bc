import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { afterwards } from '../../../test/harness/clean-up.js'
import { until } from '../../../test/harness/until.js'
import { STRICT } from '../../../test/support/boundaries.js'
import { FakeChildren } from '../../../test/support/fake-children.js'
import { FakeThread } from '../../../test/support/fake-thread.js'
import { generationOf, loadedMaster } from '../../../test/support/generations.js'
import { logInto, optionsFor } from '../../../test/support/head-world.js'
import { NONE_KEPT } from '../../accept/kept-listeners.js'
import type { AcceptorCommand, AcceptorReport, AcceptorSettings } from '../../engine/acceptor-settings.js'
import type { Generation } from '../generations/generation.js'
import type { HeadServices } from '../generations/workers.js'
import { Alarms } from '../process/alarms.js'
import { ChildWorkers } from './child-workers.js'

/** A master whose reactor and children are fakes. */
class World {
  readonly thread = new FakeThread<AcceptorSettings, AcceptorCommand, AcceptorReport>()
  readonly children = new FakeChildren()
  readonly lines: string[] = []
  /** What the head was told. */
  readonly heard: string[] = []
  readonly first: Generation
  readonly workers: ChildWorkers
  readonly #alarms = new Alarms()

  private constructor(t: TestContext, first: Generation) {
    this.first = first
    const parts = {
      thread: this.thread,
      startProcess: this.children.start,
      log: logInto(this.lines),
      boundary: STRICT,
      traceMask: 0,
      loaded: first.loaded,
      options: optionsFor('test.cfg'),
      ownProgram: { command: 'node', words: [] },
    }
    this.workers = new ChildWorkers(parts, this.#head())
    this.workers.start(first)
    afterwards(t, () => {
      this.#alarms.clear()
      this.workers.shutDown(() => {})
      for (const child of this.children.started) child.ends(0)
    })
  }

  static async start(t: TestContext, spawn = ''): Promise<World> {
    return new World(t, generationOf(await loadedMaster(t, spawn)))
  }

  #head(): HeadServices {
    const note = (what: string) => () => void this.heard.push(what)
    return {
      alarms: this.#alarms,
      writeAccess: () => {},
      findHost: () => undefined,
      hearRemote: () => {},
      onStarted: note('started'),
      onAlive: note('alive'),
      onServing: note('serving'),
      onStale: note('stale'),
      onRetired: note('retired'),
      onIdle: note('idle'),
      onFatal: (problem) => void this.heard.push(`fatal: ${problem}`),
    }
  }

  /** The dispatcher wants a child without a wire of its own. */
  wants(slot: number, isFresh = false): void {
    this.thread.report({ kind: 'wanted', slot, fd: undefined, isFresh })
  }

  /** A child reports that it serves, and that has been heard. */
  async serves(nth: number): Promise<void> {
    const before = this.heard.length
    this.children.at(nth).says('serving')
    await until('the news', () => this.heard.length > before)
  }

  kinds(): string[] {
    return this.thread.since().map(({ kind }) => kind)
  }
}

test('a broker starts the children that its dispatcher wants, and tells it which are gone', async (t) => {
  const world = await World.start(t)
  world.thread.report({ kind: 'serving' })
  assert.deepEqual(world.heard, ['started'], 'clients are not served before a child is there')
  world.wants(0)
  assert.equal(world.children.started.length, 1)
  await world.serves(0)
  assert.deepEqual(world.heard, ['started', 'serving'])
  world.thread.since()
  world.children.at(0).ends(0)
  assert.deepEqual(world.thread.since(), [{ kind: 'gone', slot: 0 }])
})

test('a broker starts fresh children of the prepared generation, and the others of the present one', async (t) => {
  const world = await World.start(t)
  world.wants(0)
  const next = generationOf(world.first.loaded, world.first)
  const prepared = world.workers.prepare(next)
  world.wants(1, true)
  world.wants(2, false)
  assert.deepEqual(world.workers.running(), [world.first, next])
  world.thread.report({ kind: 'prepared', isOk: true })
  assert.equal(await prepared, undefined)
  const isInForce = world.workers.putInForce(next, NONE_KEPT)
  world.thread.report({ kind: 'reloaded' })
  await isInForce
  world.workers.end(world.first)
  assert.match(world.lines.join(''), /ending 2 children of an old configuration/)
  next.retire()
})

test('the reactor of a master gets plan and front rows of the generation in force', async (t) => {
  const world = await World.start(t)
  assert.equal(world.thread.settings?.plan, world.first.plan)
  const next = generationOf(world.first.loaded, world.first, true)
  world.thread.since()
  const isInForce = world.workers.putInForce(next, NONE_KEPT)
  world.thread.report({ kind: 'reloaded' })
  await isInForce
  const [reload] = world.thread.since()
  assert.ok(reload?.kind === 'reload')
  assert.deepEqual([reload.settings.plan, reload.settings.front], [next.plan, next.front])
  next.retire()
  next.closeFront()
})

test('children of a generation that is given up retire', async (t) => {
  const world = await World.start(t)
  const next = generationOf(world.first.loaded, world.first)
  const prepared = world.workers.prepare(next)
  world.wants(1, true)
  world.thread.report({ kind: 'prepared', isOk: false })
  assert.equal(await prepared, 'no child starts with the new configuration')
  world.workers.forget(next)
  assert.deepEqual(world.children.at(0).signals, ['SIGTERM'])
  next.retire()
})

test('gives up a generation whose children take too long to start', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const world = await World.start(t)
  const next = generationOf(world.first.loaded, world.first)
  const prepared = world.workers.prepare(next)
  t.mock.timers.tick(30_000)
  assert.equal(await prepared, 'no child starts with the new configuration')
  next.retire()
})

test('`cut` resets, and kills what is left after two seconds', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const world = await World.start(t)
  world.wants(0)
  world.thread.since()
  world.workers.drain()
  world.workers.cut()
  assert.deepEqual(world.kinds(), ['drain', 'cut'])
  t.mock.timers.tick(1_999)
  assert.deepEqual(world.children.at(0).signals, [])
  t.mock.timers.tick(1)
  assert.deepEqual(world.children.at(0).signals, ['SIGKILL'])
  assert.equal(world.workers.cutMaxMs, 4_000)
})

test('a child of ours that claims a wrong configuration is killed', async (t) => {
  const world = await World.start(t)
  world.wants(0)
  world.thread.report({ kind: 'bad-configuration', slot: 0 })
  assert.deepEqual(world.children.at(0).signals, ['SIGKILL'])
  assert.deepEqual(world.heard, [])
})

test('another program with a wrong configuration ends a master that has never served, and only that', async (t) => {
  const world = await World.start(t, 'exec = /bin/false')
  world.thread.report({ kind: 'serving' })
  assert.deepEqual(world.heard, ['started', 'serving'], 'other programs do not report that they serve')
  world.thread.report({ kind: 'bad-configuration', slot: 0 })
  assert.match(world.heard.at(-1) ?? '', /fatal: Child reported fatal configuration problem\. Exiting\./)
  world.wants(1)
  world.thread.report({ kind: 'started', slot: 1 })
  world.thread.report({ kind: 'bad-configuration', slot: 1 })
  assert.match(world.lines.join(''), /Going on without it/)
})

test('children that accept start without a reactor of the master', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const world = await World.start(t, 'accept = direct instances min = 2 instances max = 2')
  assert.equal(world.thread.settings, undefined)
  assert.equal(world.children.started.length, 2)
  await world.serves(0)
  const child = world.children.at(0)
  await until('`accept`', () => child.messages.some(({ kind }) => kind === 'accept'))
  world.children.at(1).ends(1)
  await until(
    'a successor',
    () => world.children.started.length === 3 || /next one in/.test(world.lines.join('')),
  )
  world.workers.drain()
  await until('`drain`', () => child.messages.some(({ kind }) => kind === 'drain'))
  child.ends(0)
  assert.equal(world.heard.at(-1), 'idle')
})

test('a late listener makes new children where children accept, and none at a broker', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const listener = () => {
    return { fd: openSync('/dev/null', 'r'), socketKind: 'tcp', socketFile: undefined, name: 'late' } as const
  }
  const [atBroker, shared] = [listener(), listener()]
  const broker = await World.start(t)
  broker.workers.onListen(0, atBroker)
  assert.deepEqual(
    [broker.heard, broker.thread.since()],
    [[], [{ kind: 'listen', slot: 0, fd: atBroker.fd }]],
  )
  const direct = await World.start(t, 'accept = direct')
  direct.workers.onListen(0, shared)
  assert.deepEqual(direct.heard, ['started', 'stale'])
  closeSync(atBroker.fd)
})
