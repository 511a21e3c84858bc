import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { afterwards } from '../../../test/harness/clean-up.js'
import { until } from '../../../test/harness/until.js'
import { STRICT } from '../../../test/support/boundaries.js'
import { FakeChildren } from '../../../test/support/fake-children.js'
import { generationOf, loadedMaster } from '../../../test/support/generations.js'
import { optionsFor } from '../../../test/support/head-world.js'
import { type HostAnswer, LOOKUPS_OPEN_MAX } from '../../relay/host-answer.js'
import type { Generation } from '../generations/generation.js'
import type { WantedHost } from '../generations/host-service.js'
import { ChildProcesses } from './child-processes.js'
import { ChildTable } from './child-table.js'
import type { OwnedChild } from './owned-child.js'

const NOT_FOUND: HostAnswer = { addresses: [], reason: 'name-not-resolved', cause: 'ENOTFOUND', ttlMs: 5_000 }

const CHANGE = { what: 'weight', remoteSlot: 0, weight: 2 } as const

/** Children of ours, whose processes are fakes. */
class World {
  readonly fakes = new FakeChildren()
  readonly table = new ChildTable<OwnedChild>()
  readonly lines: string[] = []
  readonly news: string[] = []
  readonly gone: number[] = []
  /** Settle the questions about hosts. */
  readonly asked: ((answer: HostAnswer) => void)[] = []
  readonly processes: ChildProcesses
  readonly generation: Generation

  private constructor(t: TestContext, generation: Generation) {
    this.generation = generation
    this.table.putInForce(generation)
    const parts = {
      table: this.table,
      options: optionsFor('test.cfg'),
      ownProgram: { command: 'node', words: ['tcprelay.js'] },
      say: (_severity: number, line: string) => void this.lines.push(line),
      startProcess: this.fakes.start,
      boundary: STRICT,
      traceMask: 0,
      wakeupFd: -1,
      writeAccess: () => {},
      findHost: (_of: Generation, { name }: WantedHost) =>
        name === 'forbidden.test'
          ? undefined
          : new Promise<HostAnswer>((resolve) => this.asked.push(resolve)),
      hearRemote: () => {},
      onNews: (slot: number, news: string) => void this.news.push(`${slot} ${news}`),
      onForbidden: () => {},
      onGone: (slot: number) => void this.gone.push(slot),
    }
    this.processes = new ChildProcesses(parts, generation.loaded)
    afterwards(t, () => {
      this.processes.closeLinks()
      for (const child of this.fakes.started) child.ends(0)
      generation.retire()
    })
  }

  static async open(t: TestContext): Promise<World> {
    return new World(t, generationOf(await loadedMaster(t)))
  }

  /** Starts children in these slots; each has got its first message. */
  async start(...slots: readonly number[]): Promise<void> {
    const before = this.fakes.started.length
    for (const slot of slots) this.processes.start(slot, undefined, this.generation)
    for (const child of this.fakes.started.slice(before))
      await until('`start`', () => child.messages.length > 0)
  }

  phase(slot: number): string | undefined {
    return this.table.get(slot)?.phase
  }

  killed(nth: number): boolean {
    return this.fakes.at(nth).signals.includes('SIGKILL')
  }
}

test('sends `start` first, then what was posted before it', async (t) => {
  const world = await World.open(t)
  world.processes.start(4, undefined, world.generation)
  world.processes.tell(4, { kind: 'ping' })
  const child = world.fakes.at(0)
  await until('two messages', () => child.messages.length === 2)
  const [start, ping] = child.messages
  assert.ok(start?.kind === 'start' && start.slot === 4)
  assert.equal(ping?.kind, 'ping')
  assert.deepEqual(world.processes.slotsOf(world.generation), [4])
  assert.deepEqual(world.processes.generations(), [world.generation])
})

test('a change of live state reaches the started children of its generation only', async (t) => {
  const world = await World.open(t)
  const other = generationOf(world.generation.loaded, world.generation)
  await world.start(0)
  world.processes.startOther(1, undefined, other)
  world.processes.tellState(other, CHANGE)
  world.processes.tell(0, { kind: 'ping' })
  const [old, fresh] = [world.fakes.at(0), world.fakes.at(1)]
  await until('all messages', () => old.messages.length + fresh.messages.length === 4)
  assert.deepEqual(old.messages.at(1), { kind: 'ping' })
  assert.deepEqual(fresh.messages.at(1), { kind: 'state', change: CHANGE })
  other.retire()
})

test('a change of live state before `start` is part of it and is not sent again', async (t) => {
  const world = await World.open(t)
  world.generation.hasLooked = false
  world.processes.start(0, undefined, world.generation)
  world.generation.applyState(CHANGE)
  world.processes.tellState(world.generation, CHANGE)
  world.processes.tell(0, { kind: 'ping' })
  const child = world.fakes.at(0)
  await until('two messages', () => child.messages.length === 2)
  const [start, ping] = child.messages
  assert.ok(start?.kind === 'start')
  assert.deepEqual(start.live.weights, new Map([[0, 2]]))
  assert.deepEqual(ping, { kind: 'ping' })
})

test('a host that a child asks for is answered by its token', async (t) => {
  const world = await World.open(t)
  await world.start(0)
  const child = world.fakes.at(0)
  child.asks(7, 'a.test')
  child.asks(8, 'b.test')
  await until('the questions', () => world.asked.length === 2)
  world.asked[1]?.(NOT_FOUND)
  await until('the answer', () => child.messages.length === 2)
  assert.deepEqual(child.messages.at(1), { kind: 'host', token: 8, answer: NOT_FOUND })
})

test('a child that asks for a host that no route allows, or for too many at a time, is killed', async (t) => {
  const world = await World.open(t)
  await world.start(0, 1)
  world.fakes.at(0).asks(1, 'forbidden.test')
  await until('the kill', () => world.killed(0))
  for (let i = 0; i < LOOKUPS_OPEN_MAX; i++) world.fakes.at(1).asks(i, `${i}.test`)
  await until('the questions', () => world.asked.length === LOOKUPS_OPEN_MAX)
  assert.equal(world.killed(1), false)
  world.asked[0]?.(NOT_FOUND)
  await until('an answer', () => world.fakes.at(1).messages.length === 2)
  world.fakes.at(1).asks(1, 'one.test')
  world.fakes.at(1).asks(2, 'two.test')
  await until('the kill', () => world.killed(1))
  assert.deepEqual(
    world.lines.map((line) => line.replace(/.*: it/, 'it')),
    ['it asked for a host that no route allows', 'it asked for too many hosts at a time'],
  )
})

test('a child starts, serves, retires and is gone', async (t) => {
  const world = await World.open(t)
  await world.start(0)
  const child = world.fakes.at(0)
  assert.equal(world.phase(0), 'starting')
  child.says('serving')
  await until('the news', () => world.news.length === 1)
  assert.equal(world.phase(0), 'serving')
  child.says('retiring')
  await until('the news', () => world.news.length === 2)
  assert.deepEqual([world.phase(0), world.news], ['retiring', ['0 serving', '0 retiring']])
  child.ends(0)
  assert.deepEqual([world.phase(0), world.gone, world.processes.generations()], [undefined, [0], []])
})

test('returns what a child held when it is gone', async (t) => {
  const world = await World.open(t)
  await world.start(0, 1)
  const { cells } = world.generation.memory
  const [remote = 0] = world.generation.remoteSlots
  for (const slot of [0, 1]) cells.child(slot).use[remote] = 2
  cells.use[remote] = 4
  world.fakes.at(0).ends(null, 'SIGSEGV')
  assert.equal(cells.use[remote], 2)
  assert.deepEqual(
    world.table.all.map(({ slot }) => slot),
    [1],
  )
  assert.match(world.lines.join('\n'), /child \(pid 1000\) terminated abnormally \(signal SIGSEGV\)/)
})

test('kills a child after an invalid message and reads no more from it', async (t) => {
  const world = await World.open(t)
  await world.start(0)
  const child = world.fakes.at(0)
  child.lies()
  await until('it to be killed', () => world.killed(0))
  child.says('serving')
  world.processes.condemn(0, 'another reason')
  assert.equal(world.lines.filter((line) => /killing child/.test(line)).length, 1, 'reported once')
  assert.deepEqual(world.news, [])
})

test('a child that reports twice that it serves is killed', async (t) => {
  const world = await World.open(t)
  await world.start(0)
  world.fakes.at(0).says('serving')
  world.fakes.at(0).says('serving')
  await until('it to be killed', () => world.killed(0))
  assert.match(world.lines.join('\n'), /killing child \(pid 1000\): it said twice that it serves/)
  assert.deepEqual(world.news, ['0 serving'])
})

test('kills a child that answers no pings, and no other', async (t) => {
  const world = await World.open(t)
  await world.start(0, 1)
  for (const nth of [0, 1]) world.fakes.at(nth).says('serving')
  await until('both to serve', () => world.news.length === 2)
  for (let round = 1; !world.killed(1); round++) {
    assert.ok(round < 10, 'no child was killed')
    world.processes.lookForHanging()
    const pings = () => world.fakes.at(0).messages.filter(({ kind }) => kind === 'ping').length
    if (!world.killed(1)) await until('a ping', () => pings() === round)
    world.fakes.at(0).says('pong')
    // The pong has come when what follows it has.
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.ok(!world.killed(0))
  assert.match(world.lines.join('\n'), /killing child \(pid 1001\): it does not answer any more/)
})

test('children are cut over their links, asked to retire by SIGTERM', async (t) => {
  const world = await World.open(t)
  await world.start(0, 1)
  world.processes.cut(0)
  world.processes.retire(1)
  await until('`cut`', () => world.fakes.at(0).messages.some(({ kind }) => kind === 'cut'))
  assert.deepEqual([world.fakes.at(0).signals, world.fakes.at(1).signals], [[], ['SIGTERM']])
})

test('children of two generations are distinguished', async (t) => {
  const world = await World.open(t)
  await world.start(0)
  const next = generationOf(world.generation.loaded, world.generation)
  world.processes.startOther(1, undefined, next)
  assert.deepEqual(world.processes.slotsOf(next), [1])
  assert.deepEqual(world.processes.generations(), [world.generation, next])
  assert.equal(world.processes.generationOf(1), next)
  world.fakes.at(1).ends(0)
  assert.equal(world.processes.generationOf(1), undefined)
  next.retire()
})
