import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { foreignMasterIn, MAX } from '../harness/foreign-master.js'
import { Visitors } from '../harness/load.js'
import { DIRECT, Master, masterText, spawning, startMaster } from '../harness/master.js'
import { Names } from '../harness/names.js'
import { isAlive } from '../harness/proc.js'
import { Program, TCPRELAY } from '../harness/program.js'
import { type Relay, type RelayPlan, relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { echoes, type Remote, remoteThat } from '../harness/remote.js'
import { variants } from '../harness/variants.js'

const HERE = { addresses: ['127.0.0.1'], afterMs: 0 }

interface Model {
  readonly name: string
  /** Rounds of reloads: each takes a second or more with children. */
  readonly reloads: number
  start(t: TestContext, plan: RelayPlan): Promise<Relay | Master>
  textOf(plan: RelayPlan): string
}

const SINGLE: Model = {
  name: 'a single process',
  // Fewer than would reset the sessions of the oldest configuration.
  reloads: 5,
  start: (t, plan) => plan.start(t),
  textOf: (plan) => plan.text,
}

const CHILDREN = (
  [
    ['a master', 10, []],
    ['children that accept', 3, [DIRECT]],
  ] as const
).map(([name, reloads, more]): Model => {
  const spawn = spawning([1, 3], [1, 1_000], ...more)
  return {
    name,
    reloads,
    start: (t, plan) => startMaster(t, plan.withMaster(spawn), plan.parts.options),
    textOf: (plan) => masterText(plan.withMaster(spawn)),
  }
})

const MODELS = variants(CHILDREN.slice(1), [SINGLE, ...CHILDREN.slice(0, 1)])

/** Clients never wait for a remote: one without an address costs the client. */
function planFor(names: Names, { port }: Remote, ...lines: readonly string[]): RelayPlan {
  return relayTo({ directive: `address = remote.test port = ${port}` })
    .with('dial retries = 0', 'access log = stderr', ...lines)
    .running({ env: names.environment })
}

async function isServed(running: Relay | Master): Promise<void> {
  const client = await running.connect()
  await client.send('hello')
  assert.equal(await client.read(5), 'hello')
  await client.close()
}

for (const { name, start, textOf } of MODELS) {
  test(`${name}: a reload without a name server keeps the addresses of remotes`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const names = new Names(t, HERE)
    const plan = planFor(names, remote)
    const running = await start(t, plan)
    await isServed(running)
    const other = textOf(plan.with('idle timeout = 100'))
    const answers = [
      { error: 'ENOTFOUND', afterMs: 0 },
      { addresses: [], afterMs: 0 },
      { error: 'EAI_AGAIN' },
    ]
    for (const [i, answer] of answers.entries()) {
      names.answer(answer)
      await reload(running, i % 2 === 0 ? other : textOf(plan), undefined, i + 1)
      await isServed(running)
    }
  })

  test(`${name}: a reload looks names up again`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const names = new Names(t, { addresses: ['127.0.0.99'], afterMs: 0 })
    const plan = planFor(names, remote)
    const running = await start(t, plan)
    names.answer(HERE)
    await reload(running, textOf(plan))
    await isServed(running)
  })
}

for (const { name, reloads, textOf } of MODELS) {
  test(`${name}: remotes have their addresses at start, at reloads and in new children`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const names = new Names(t, { ...HERE, afterMs: 300 })
    const plan = planFor(names, remote)
    const text = textOf(plan)
    const file = join(temporaryFolder(t), 'relay.cfg')
    writeFileSync(file, text)
    const program = new Program(t, [process.execPath, TCPRELAY, '-D', file], plan.parts.options)
    const [, port] = await program.stderr.reached(/bind to .*:(\d+) succeeded/)
    const visitors = new Visitors(t, Number(port), 50)
    const logged = (pattern: RegExp, nth?: number) => program.stderr.reached(pattern, nth)
    const running = { file, signal: (signal: NodeJS.Signals) => program.signal(signal), logged }
    await visitors.serveMore(100)
    for (let i = 1; i <= reloads; i++) {
      await reload(running, text, undefined, i)
      await visitors.serveMore(20)
    }
    const isSingle = text.includes('single process = yes')
    if (!isSingle) await replaceAll(new Master(t, program, file, 'broker'), visitors)
    await visitors.stop()
    assert.deepEqual(visitors.failed, [])
    assert.equal(program.stderr.matching(/end=no-remote/).length, 0)
    program.signal('SIGTERM')
    assert.equal((await program.ended()).code, 0)
  })
}

/** Each child ends in turn, while the others and the successors serve. */
async function replaceAll(master: Master, visitors: Visitors): Promise<void> {
  for (const pid of master.children()) {
    // One of an old configuration may have ended meanwhile.
    if (isAlive(pid)) process.kill(pid, 'SIGTERM')
    await visitors.serveMore(100)
  }
}

test('the successor of a killed child begins with the known addresses', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const names = new Names(t, HERE)
  const running = await startMaster(t, planFor(names, remote).withMaster(spawning([1, 1])), {
    env: names.environment,
  })
  await isServed(running)
  names.answer({ error: 'EAI_AGAIN' })
  const [pid = 0] = running.children()
  process.kill(pid, 'SIGKILL')
  await running.logged(/signal SIGKILL/)
  await isServed(running)
  assert.equal(running.program.stderr.matching(/end=no-remote/).length, 0)
})

test('under a classic master no client is taken before names are looked up', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const names = new Names(t, { ...HERE, afterMs: 500 })
  const file = join(temporaryFolder(t), 'relay.cfg')
  writeFileSync(file, masterText(planFor(names, remote)))
  const master = await foreignMasterIn(t, names.environment, file)
  if (!master) return
  assert.deepEqual(await master.clients(50), { right: 50 })
  await master.hears(MAX)
})
