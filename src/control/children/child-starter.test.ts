import assert from 'node:assert/strict'
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mock, type TestContext, test } from 'node:test'
import { afterwards, temporaryFolder } from '../../../test/harness/clean-up.js'
import { until } from '../../../test/harness/until.js'
import type { ChildProgram } from './child-program.js'
import { ChildStarter, type Extras } from './child-starter.js'

const NO_EXTRAS: Extras = { fds: [], release: () => {} }

const shell = (script: string): ChildProgram => ({
  command: '/bin/sh',
  words: ['-c', script],
  environment: process.env,
  uid: undefined,
  gid: undefined,
  keepsNetAdmin: false,
  workingDirectory: undefined,
})

/** Children of a test, and the events that were reported. */
class World {
  readonly lines: string[] = []
  readonly started: number[] = []
  readonly forbidden: number[] = []
  readonly gone: number[] = []
  readonly closed: number[] = []
  readonly children: ChildStarter
  extras: Extras = NO_EXTRAS
  openExtras = (): Extras => this.extras

  constructor(t: TestContext, program: ChildProgram) {
    const events = {
      openExtras: () => this.openExtras(),
      onStarted: (slot: number) => void this.started.push(slot),
      onForbidden: (slot: number) => void this.forbidden.push(slot),
      onGone: (slot: number) => void this.gone.push(slot),
    }
    const closeFd = (fd: number) => {
      this.closed.push(fd)
      closeSync(fd)
    }
    const say = (_severity: number, line: string) => void this.lines.push(line)
    this.children = new ChildStarter(program, events, closeFd, say)
    afterwards(t, async () => {
      this.children.stopStarting()
      this.children.kill('SIGKILL')
      await until('all children to be gone', () => this.children.count === 0)
    })
  }

  /** Starts one and answers the descriptor that was meant to be its wire. */
  start(slot = 0): number {
    const fd = openSync('/dev/null', 'r+')
    this.children.start(slot, fd)
    return fd
  }

  async ends(count: number): Promise<void> {
    await until(`${count} children to be gone, not ${this.gone.length}`, () => this.gone.length === count)
  }
}

test('a child runs with its wire on 0 and its extras from 3 on, which then are its own', async (t) => {
  const file = join(temporaryFolder(t), 'out')
  const world = new World(t, shell(''))
  const extra = openSync(file, 'w')
  const released: number[] = []
  world.extras = { fds: [extra], release: () => void released.push(extra) }
  world.children.setProgram({
    ...shell('readlink /proc/self/fd/0 >&3; echo $NAME >&3; pwd >&3'),
    environment: { ...process.env, NAME: 'a value' },
    workingDirectory: '/proc',
  })
  const wire = world.start(7)
  assert.deepEqual([world.started, world.closed, released], [[7], [wire], [extra]])
  closeSync(extra)
  await world.ends(1)
  assert.equal(readFileSync(file, 'utf8'), '/dev/null\na value\n/proc\n')
  assert.deepEqual([world.gone, world.children.count], [[7], 0])
  assert.match(world.lines[0] ?? '', /^child \(pid \d+\) terminated normally$/)
})

const ENDS = [
  { script: 'exit 3', line: /terminated abnormally \(exit code 3\)/ },
  { script: 'kill -9 $$', line: /terminated abnormally \(signal SIGKILL\)/ },
]

for (const { line, script } of ENDS) {
  test(`logs how a child has ended: ${script}`, async (t) => {
    const world = new World(t, shell(script))
    world.start()
    await world.ends(1)
    assert.match(world.lines[0] ?? '', line)
  })
}

const IMPOSSIBLE: readonly (readonly [string, Partial<ChildProgram>, RegExp])[] = [
  ['a program that is not there', { command: '/nowhere/at/all' }, /could not be started: .*ENOENT/],
  ['a program that may not be executed', { command: '/etc/passwd' }, /could not be started: .*EACCES/],
  ['a folder that is not there', { workingDirectory: '/nowhere' }, /could not be started: .*ENOENT/],
  ['a folder that is none', { workingDirectory: '/dev/null' }, /could not be started: .*ENOTDIR/],
]

for (const [what, program, line] of IMPOSSIBLE) {
  test(`${what} is a child that dies at start`, async (t) => {
    const world = new World(t, { ...shell('exit 0'), ...program })
    let releases = 0
    world.extras = { fds: [], release: () => void releases++ }
    const wire = world.start(3)
    assert.deepEqual(world.gone, [], 'nobody is told before start has returned')
    await world.ends(1)
    assert.deepEqual([world.gone, world.started, releases, world.closed], [[3], [], 1, [wire]])
    assert.throws(() => fstatSync(wire), { code: 'EBADF' })
    assert.match(world.lines.join('|'), line)
    assert.match(world.lines.at(-1) ?? '', /children die at start: the next one in 1 s/)
    assert.equal(world.children.count, 0)
  })
}

/** Timers and the monotonic clock in the hands of a test. The wall clock goes back a second with each tick, which must not matter. */
function monotonicClock() {
  let nowMs = 1_000_000
  let wallMs = 1_000_000_000
  mock.timers.enable({ apis: ['setTimeout'] })
  const monotonic = mock.method(performance, 'now', () => nowMs)
  const wall = mock.method(Date, 'now', () => wallMs)
  return {
    tick(ms: number): void {
      nowMs += ms
      wallMs -= 1_000
      mock.timers.tick(ms)
    },
    reset(): void {
      mock.timers.reset()
      monotonic.mock.restore()
      wall.mock.restore()
    },
  }
}

test('backs off up to 30 s while children die at start', async (t) => {
  const clock = monotonicClock()
  try {
    const world = new World(t, shell('exit 1'))
    world.start()
    await endsInRealTime(world, 1)
    for (const [i, seconds] of [1, 2, 4, 8, 16, 30, 30].entries()) {
      assert.match(world.lines.at(-1) ?? '', new RegExp(`the next one in ${seconds} s$`))
      world.start()
      clock.tick(seconds * 1_000 - 1)
      assert.equal(world.started.length, i + 1, 'it waits')
      assert.equal(world.children.count, 1)
      clock.tick(1)
      assert.equal(world.started.length, i + 2)
      await endsInRealTime(world, i + 2)
    }
  } finally {
    clock.reset()
  }
})

test('a child that exits at once without having served died at start', async (t) => {
  const world = new World(t, { ...shell(''), command: '/bin/true' })
  world.start()
  await world.ends(1)
  assert.match(world.lines.join('|'), /terminated normally\|children die at start: the next one in 1 s/)
})

/** A child that ends after `livedMs`, by the clock of the test, and whether the next one starts at once. */
async function livesFor(
  t: TestContext,
  livedMs: number,
  hasServed: boolean,
  script: string,
): Promise<boolean> {
  const clock = monotonicClock()
  try {
    const world = new World(t, shell(script))
    world.start()
    if (hasServed) world.children.served(0)
    clock.tick(livedMs)
    world.children.kill('SIGTERM')
    await endsInRealTime(world, 1)
    world.start()
    return world.started.length === 2
  } finally {
    clock.reset()
  }
}

const SLEEP = 'exec sleep 1000'
const IN_ORDER = 'exit 0'

test('replaces a child that has served at once, even shortly after its start', async (t) => {
  assert.equal(await livesFor(t, 100, true, SLEEP), true)
  assert.equal(await livesFor(t, 100, true, IN_ORDER), true)
})

test('replaces children that have served ten times at once, then backs off', async (t) => {
  const clock = monotonicClock()
  try {
    const world = new World(t, shell(SLEEP))
    const dies = async () => {
      const { length: before } = world.gone
      world.children.served(0)
      clock.tick(200)
      world.children.kill('SIGKILL')
      await endsInRealTime(world, before + 1)
      world.start()
    }
    world.start()
    for (let round = 1; round <= 10; round++) {
      await dies()
      assert.equal(world.started.length, round + 1, `the child of round ${round} is replaced at once`)
    }
    for (const [i, seconds] of [1, 2, 4, 8, 16, 30, 30].entries()) {
      await dies()
      assert.match(world.lines.at(-1) ?? '', new RegExp(`again and again: the next one in ${seconds} s$`))
      assert.equal(world.started.length, i + 11, 'it waits')
      clock.tick(seconds * 1_000)
      assert.equal(world.started.length, i + 12)
    }
    clock.tick(100_000)
    await dies()
    assert.equal(world.started.length, 19, 'a quiet time is a new start')
  } finally {
    clock.reset()
  }
})

test('counts children that are killed together as one death', async (t) => {
  const world = new World(t, shell(SLEEP))
  for (let round = 1; round <= 2; round++) {
    for (let slot = 0; slot < 8; slot++) {
      world.start(slot)
      world.children.served(slot)
    }
    const aged = performance.now() + 60
    await until('children that have lived for a while', () => performance.now() > aged)
    world.children.kill('SIGKILL')
    await world.ends(8 * round)
  }
  world.start()
  assert.equal(world.started.length, 17)
})

test('a child that has not served died at start, after any time and with any exit code', async (t) => {
  assert.equal(await livesFor(t, 100, false, SLEEP), false)
  assert.equal(await livesFor(t, 3_600_000, false, SLEEP), false)
  assert.equal(await livesFor(t, 3_600_000, false, IN_ORDER), false)
})

test('a child that serves and exits within 50 ms died at start', async (t) => {
  assert.equal(await livesFor(t, 10, true, SLEEP), false)
})

test('deaths of another program do not count for the one in force', async (t) => {
  const world = new World(t, shell(SLEEP))
  world.children.startOther(1, openSync('/dev/null', 'r+'), shell('exit 1'))
  await world.ends(1)
  world.start(0)
  assert.deepEqual(world.started, [1, 0])
  assert.doesNotMatch(world.lines.join('|'), /at start/)
})

for (const code of ['EPERM', 'EINVAL']) {
  test(`does not retry when a child may not become its user (${code})`, async (t) => {
    const world = new World(t, { ...shell(SLEEP), uid: process.getuid?.() })
    world.openExtras = () => fail(code)
    world.start(4)
    await world.ends(1)
    assert.deepEqual([world.forbidden, world.gone], [[4], [4]])
    assert.doesNotMatch(world.lines.join('|'), /at start/)
  })
}

test('counts the same error as a death at start when the child keeps our user', async (t) => {
  const world = new World(t, shell(SLEEP))
  world.openExtras = () => fail('EPERM')
  world.start()
  await world.ends(1)
  assert.deepEqual(world.forbidden, [])
  assert.match(world.lines.join('|'), /at start/)
})

function fail(code: string): never {
  throw Object.assign(new Error(code), { code })
}

test('cancels starts that wait for the back-off', async (t) => {
  const world = new World(t, shell('exit 1'))
  world.start()
  await world.ends(1)
  world.start()
  assert.deepEqual([world.children.count, world.closed.length], [1, 1])
  world.children.stopStarting()
  assert.deepEqual([world.children.count, world.started.length], [0, 1])
  assert.deepEqual(
    [world.closed.length, world.gone],
    [2, [0, 0]],
    'their wires are closed, and they are gone',
  )
  world.start()
  assert.deepEqual([world.closed.length, world.children.count], [3, 0], 'nothing is started any more')
})

test('cancels a start that would have to wait after others were cancelled', async (t) => {
  const world = new World(t, shell('exit 1'))
  world.start()
  await world.ends(1)
  world.children.stopWaiting()
  world.start()
  assert.deepEqual([world.children.count, world.started.length], [0, 1])
  assert.deepEqual([world.closed.length, world.gone], [2, [0, 0]], 'the master hears that it is gone')
})

test('signals reach every child', async (t) => {
  const world = new World(t, shell('exec sleep 1000'))
  world.start(0)
  world.start(1)
  assert.equal(world.children.pids.length, 2)
  world.children.kill('SIGTERM')
  await world.ends(2)
  assert.deepEqual([...world.gone].sort(), [0, 1])
})

/** While the clock is the test's own, the end of a process is waited for turn by turn. */
async function endsInRealTime(world: World, count: number): Promise<void> {
  for (let turn = 0; world.gone.length < count; turn++) {
    assert.ok(turn < 5_000_000, `waited in vain for ${count} children to be gone`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
