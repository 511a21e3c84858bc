import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { afterwards } from '../../../test/harness/clean-up.js'
import { STRICT } from '../../../test/support/boundaries.js'
import { fakeSandbox } from '../../../test/support/fake-sandbox.js'
import { FakeThread } from '../../../test/support/fake-thread.js'
import { generationOf, loadedMaster } from '../../../test/support/generations.js'
import { FakeShutdown, logInto, optionsFor, settled } from '../../../test/support/head-world.js'
import { EXIT_SOFTWARE } from '../../base/exit-codes.js'
import type { Command, ReactorSettings, Report, WireEndSettings } from '../../engine/reactor-settings.js'
import { linuxSystem } from '../../kernel/linux-system.js'
import { COUNT } from '../../observe/counters.js'
import type { Generation } from '../generations/generation.js'
import type { HeadServices } from '../generations/workers.js'
import { Alarms } from '../process/alarms.js'
import { ReactorWorkers } from './reactor-workers.js'

const KEPT = new Map([[0, 0]])

/** The one reactor of a process, whose thread is a fake. */
class World {
  readonly thread = new FakeThread<ReactorSettings, Command, Report>()
  readonly shutdown = new FakeShutdown()
  readonly lines: string[] = []
  readonly sandbox = fakeSandbox()
  /** What the head was told. */
  readonly heard: string[] = []
  readonly first: Generation
  readonly workers: ReactorWorkers

  private constructor(t: TestContext, first: Generation, wireEnd: WireEndSettings | undefined) {
    this.first = first
    const parts = {
      thread: this.thread,
      shutdown: this.shutdown,
      log: logInto(this.lines),
      boundary: STRICT,
      system: linuxSystem(),
      traceMask: 0,
      bound: [],
      loaded: first.loaded,
      options: optionsFor('test.cfg'),
      wireEnd,
      sandbox: this.sandbox.calls,
    }
    this.workers = new ReactorWorkers(parts, this.#head())
    void this.workers.start(first)
    afterwards(t, () => new Promise<void>((resolve) => this.workers.shutDown(resolve)))
  }

  static async start(t: TestContext, wireEnd?: WireEndSettings): Promise<World> {
    const world = new World(t, generationOf(await loadedMaster(t)), wireEnd)
    await settled()
    return world
  }

  #head(): HeadServices {
    const note = (what: string) => () => void this.heard.push(what)
    return {
      alarms: new Alarms(),
      writeAccess: () => {},
      findHost: () => undefined,
      hearRemote: () => {},
      onStarted: note('started'),
      onAlive: note('alive'),
      onServing: note('serving'),
      onStale: note('stale'),
      onRetired: note('retired'),
      onIdle: note('idle'),
      onFatal: note('fatal'),
    }
  }

  /** Prepares another generation and puts it in force; the reactor answers as it should. */
  async replace(present: Generation): Promise<Generation> {
    const next = generationOf(this.first.loaded, present)
    const prepared = this.workers.prepare(next)
    this.thread.report({ kind: 'prepared', problem: undefined })
    assert.equal(await prepared, undefined)
    const isInForce = this.workers.putInForce(next, KEPT)
    present.retire()
    this.thread.report({ kind: 'reloaded' })
    await isInForce
    return next
  }

  kinds(): string[] {
    return this.thread.since().map(({ kind }) => kind)
  }
}

test('each generation has rows of its own, and those of one that is gone are free', async (t) => {
  const world = await World.start(t)
  assert.equal(world.thread.settings?.childSlot, 0)
  const second = await world.replace(world.first)
  assert.deepEqual(world.workers.running(), [world.first, second])
  world.thread.report({ kind: 'gone', childSlot: 0 })
  assert.deepEqual(world.workers.running(), [second])
  world.thread.since()
  await world.replace(second)
  const [prepare] = world.thread.since()
  assert.ok(prepare?.kind === 'prepare' && prepare.settings.childSlot === 0)
})

test('a change of live state goes to the slot of its generation until that is gone', async (t) => {
  const world = await World.start(t)
  const second = await world.replace(world.first)
  world.thread.since()
  const change = { what: 'weight', remoteSlot: 0, weight: 2 } as const
  world.workers.onState(world.first, change)
  world.workers.onState(second, change)
  assert.deepEqual(world.thread.since(), [
    { kind: 'state', childSlot: 0, change },
    { kind: 'state', childSlot: 1, change },
  ])
  world.thread.report({ kind: 'gone', childSlot: 0 })
  world.workers.onState(world.first, change)
  assert.deepEqual(world.thread.since(), [])
})

test('`prepare` settles with its answer, also after `forget`', async (t) => {
  const world = await World.start(t)
  const next = generationOf(world.first.loaded, world.first)
  const prepared = world.workers.prepare(next)
  world.thread.report({ kind: 'gone', childSlot: 1 })
  world.thread.report({ kind: 'prepared', problem: 'too many open files' })
  assert.equal(await prepared, 'the new configuration cannot be used: too many open files')
  world.workers.forget()
  assert.deepEqual(world.workers.running(), [world.first])
  assert.deepEqual(world.kinds(), ['prepare', 'forget'])
  next.retire()
})

test('`prepare` settles when the thread ends', async (t) => {
  const world = await World.start(t)
  const next = generationOf(world.first.loaded, world.first)
  const prepared = world.workers.prepare(next)
  world.thread.fail(new Error('it threw'))
  await prepared
  assert.deepEqual(world.shutdown.codes, [EXIT_SOFTWARE])
  assert.match(world.lines.join(''), /reactor: Error: it threw/)
  next.retire()
})

test('the sessions of an old generation are counted, ended by its slot, and given back when it is gone', async (t) => {
  const world = await World.start(t)
  const second = await world.replace(world.first)
  const { cells } = second.memory
  for (const slot of [0, 1]) cells.child(slot).counters[COUNT.sessionsNow] = 2 + slot
  assert.equal(world.workers.load(second).connections, 5)
  world.thread.since()
  world.workers.end(world.first)
  assert.deepEqual(world.thread.since(), [{ kind: 'cut', childSlot: 0 }])
  assert.match(world.lines.join(''), /ending 2 sessions of an old configuration/)
  world.thread.report({ kind: 'gone', childSlot: 0 })
  assert.equal(world.workers.load(second).connections, 3)
  world.workers.end(world.first)
  assert.deepEqual(world.thread.since(), [], 'it is gone')
})

test('reports reach the head', async (t) => {
  const world = await World.start(t)
  for (const kind of ['serving', 'pong', 'retired', 'idle'] as const) world.thread.report({ kind })
  assert.deepEqual(world.heard, ['started', 'serving', 'alive', 'retired', 'idle'])
  assert.match(world.lines.join(''), /Retire limit reached\.\n/)
  assert.deepEqual(world.kinds(), ['drain'])
})

test('behind a foreign master the wire opens when names have been looked up, and the master retires it', async (t) => {
  const world = await World.start(t, { master: 'foreign', fd: 0 })
  assert.deepEqual(world.kinds(), ['open-wire-end'])
  assert.equal(world.workers.load(world.first).connectionsMax, undefined)
  world.thread.report({ kind: 'may-die' })
  assert.deepEqual(world.heard, ['retired'])
  world.thread.report({ kind: 'retired' })
  assert.match(world.lines.join(''), /Retire limit reached\. Told parent about this\./)
})

test('the shutdown resets sessions before it stops the thread', async (t) => {
  const world = await World.start(t)
  await new Promise<void>((resolve) => world.workers.shutDown(resolve))
  assert.deepEqual(world.kinds(), ['cut', 'stop'])
})
