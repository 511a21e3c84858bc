import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { type Master, masterText, spawning, startMaster } from '../harness/master.js'
import { childrenOf, isAlive, listeningPortsOf } from '../harness/proc.js'
import { startTcprelay } from '../harness/program.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { variants } from '../harness/variants.js'

const IN_ORDER = { code: 0, signal: null }

async function planTo(t: TestContext, ...lines: readonly string[]): Promise<RelayPlan> {
  return relayTo(await remoteThat(echoes).start(t)).with(...lines)
}

/** The only child, and a client that it serves. */
async function oneSession(master: Master) {
  const client = await master.connect()
  await client.exchange('before')
  const [pid = 0] = await master.hasChildren(1)
  return { client, pid }
}

for (const signal of variants<'SIGTERM' | 'SIGINT'>(['SIGTERM'], ['SIGINT'])) {
  test(`${signal} to an idle master ends it and its children at once`, async (t) => {
    const plan = (await planTo(t)).withMaster(spawning([2, 4]))
    const master = await startMaster(t, plan, { children: 2 })
    master.signal(signal)
    assert.deepEqual(await master.ended(3_000), IN_ORDER)
    await master.leavesNoChild(0)
    assert.match(master.program.stderr.text, new RegExp(`${signal}: exiting`))
    assert.equal(master.program.stderr.matching(/terminated normally/).length, 2)
  })
}

test('SIGTERM lets sessions of children finish, and no new client is accepted', async (t) => {
  const master = await startMaster(t, (await planTo(t)).withMaster(spawning([1, 1])))
  const { client } = await oneSession(master)
  master.signal('SIGTERM')
  await until('the listener to be closed', () => listeningPortsOf(master.pid).length === 0)
  assert.equal(await (await master.connect()).ending(), 'ECONNREFUSED')
  assert.equal(await client.exchange('after'), 'after')
  await client.endWriting()
  assert.equal(await client.readToEnd(), '')
  assert.deepEqual(await master.ended(3_000), IN_ORDER)
  await master.leavesNoChild(0)
})

test('a second SIGTERM resets the sessions of children', async (t) => {
  const plan = (await planTo(t, 'access log = stderr')).withMaster(spawning([1, 1]))
  const master = await startMaster(t, plan)
  const { client } = await oneSession(master)
  master.signal('SIGTERM')
  await master.logged(/exiting/)
  master.signal('SIGTERM')
  assert.equal(await client.ending(), 'ECONNRESET')
  assert.deepEqual(await master.ended(3_000), IN_ORDER)
  await master.leavesNoChild(0)
  assert.match(master.program.stderr.text, /end=shutdown/)
})

test('sessions of children are reset after the grace period', async (t) => {
  const master = await startMaster(t, (await planTo(t, 'grace period = 1')).withMaster(spawning([1, 1])))
  const { client } = await oneSession(master)
  const startedMs = performance.now()
  master.signal('SIGTERM')
  assert.equal(await client.ending(), 'ECONNRESET')
  assert.ok(performance.now() - startedMs > 900)
  assert.deepEqual(await master.ended(3_000), IN_ORDER)
  assert.match(master.program.stderr.text, /the grace period is over/)
})

test('SIGTERM while children start leaves no process', async (t) => {
  const plan = (await planTo(t)).withMaster(spawning([3, 3]))
  const file = join(temporaryFolder(t), 'master.cfg')
  writeFileSync(file, masterText(plan))
  const program = startTcprelay(t, ['-D', file])
  const pids = await until('children', () => {
    const found = program.hasEnded ? [] : childrenOf(program.pid).map(Number)
    return found.length === 3 && found
  })
  program.signal('SIGTERM')
  assert.deepEqual(await program.ended(5_000), IN_ORDER)
  assert.deepEqual(pids.filter(isAlive), [])
})

for (const signal of variants<'SIGTERM' | 'SIGHUP'>(['SIGTERM'], ['SIGHUP'])) {
  test(`${signal} to a child: it takes no more clients, ends when idle and is replaced`, async (t) => {
    const master = await startMaster(t, (await planTo(t)).withMaster(spawning([1, 1])))
    const { client, pid } = await oneSession(master)
    process.kill(pid, signal)
    await master.logged(new RegExp(`${signal}: No longer accepting new connections`))
    const [old, successor = 0] = await master.hasChildren(2)
    assert.equal(old, pid)
    const later = await master.connect()
    assert.equal(await later.exchange('later'), 'later')
    assert.deepEqual([master.sessionsOf(pid), master.sessionsOf(successor)], [1, 1])
    assert.equal(await client.exchange('still here'), 'still here')
    await client.close()
    await until('the old child to end', () => !isAlive(pid))
    assert.deepEqual(await master.hasChildren(1), [successor])
    assert.doesNotMatch(master.program.stderr.text, /cannot reach|abnormally|at start/)
  })
}

test('an idle child ends at once, repeatedly, without losing a client', async (t) => {
  const master = await startMaster(t, (await planTo(t)).withMaster(spawning([2, 2])), { children: 2 })
  let served = 0
  let isOver = false
  const load = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const client = await master.connect()
      assert.equal(await client.exchange('hello'), 'hello')
      await client.close()
      served++
    }
  })
  for (let round = 0; round < 6; round++) {
    const pids = await until('two children', () => {
      const found = master.children()
      return found.length >= 2 && found
    })
    process.kill(pids[0] as number, 'SIGHUP')
    await until('it to end', () => !isAlive(pids[0] as number))
  }
  await until('clients to be served', () => served > 100)
  isOver = true
  await Promise.all(load)
  await master.hasChildren(2)
  assert.doesNotMatch(master.program.stderr.text, /cannot reach|abnormally|at start/)
})

test('children of a killed master finish their sessions and end', async (t) => {
  const master = await startMaster(t, (await planTo(t)).withMaster(spawning([2, 2])), { children: 2 })
  const client = await master.connect()
  await client.exchange('before')
  await master.holds(1, 0)
  const [busy = 0, idle = 0] = master.children()
  process.kill(master.pid, 'SIGKILL')
  await until('the idle child to end', () => !isAlive(idle))
  assert.equal(await client.exchange('after'), 'after')
  assert.ok(isAlive(busy))
  await client.close()
  await until('the busy child to end', () => !isAlive(busy))
})

/** A master whose children die at start; the next start is seconds away. */
async function withoutChildren(t: TestContext): Promise<Master> {
  const plan = (await planTo(t)).withMaster(spawning([2, 2], [5, 5], 'exec = /bin/false'))
  const master = await startMaster(t, plan, { children: 0 })
  await master.logged(/children die at start: the next one in 2 s/)
  return master
}

test('SIGTERM during back-off of children ends the master at once', async (t) => {
  const master = await withoutChildren(t)
  master.signal('SIGTERM')
  assert.deepEqual(await master.ended(1_000), IN_ORDER)
})

test('a second SIGTERM while a client waits for a child ends both at once', async (t) => {
  const master = await withoutChildren(t)
  const client = await master.connect()
  await client.send('hello')
  master.signal('SIGTERM')
  await master.logged(/SIGTERM: exiting/)
  await until('the listener to be closed', () => listeningPortsOf(master.pid).length === 0)
  master.signal('SIGTERM')
  assert.equal(await client.ending(), 'ECONNRESET')
  assert.deepEqual(await master.ended(1_000), IN_ORDER)
})

test('the back-off of children that die at start grows and is logged', async (t) => {
  const folder = temporaryFolder(t)
  const exec = join(folder, 'child')
  const isCured = join(folder, 'cured')
  const own = `exec '${process.execPath}' '${process.cwd()}/bin/tcprelay.js' "$@"`
  writeFileSync(exec, `#!/bin/sh\ntest -e '${isCured}' || exit 3\n${own}\n`, { mode: 0o755 })
  const plan = (await planTo(t)).withMaster(spawning([1, 1], [5, 5], `exec = ${exec}`, 'id = tcprelay'))
  const master = await startMaster(t, plan, { children: 0 })
  await master.logged(/child \(pid \d+\) terminated abnormally \(exit code 3\)/)
  await master.logged(/children die at start: the next one in 1 s/)
  const waiting = await master.connect()
  await waiting.send('hello')
  writeFileSync(isCured, '')
  assert.equal(await waiting.read(5), 'hello')
  await waiting.close()
})
