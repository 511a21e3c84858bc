import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { spawning, startMaster } from '../harness/master.js'
import { MODES, type Running } from '../harness/modes.js'
import { relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { greets, type Remote, remoteThat } from '../harness/remote.js'
import { replaceFile } from '../harness/replace-file.js'
import { until } from '../harness/until.js'

/** Remotes that greet with their names, and a file in which they are members. */
async function membersOf(t: TestContext, names: readonly string[]) {
  const folder = temporaryFolder(t)
  const path = join(folder, 'members')
  const remotes = new Map<string, Remote>()
  for (const name of names) remotes.set(name, await remoteThat(greets(name)).start(t))
  const set = (...present: readonly string[]) => {
    const line = (name: string) => `127.0.0.1:${remotes.get(name)?.port ?? 0} name=${name}\n`
    const text = present.map(line).join('')
    // An empty file is no answer.
    replaceFile(path, text === '' ? '[]' : text)
  }
  writeFileSync(path, '')
  set(...names)
  const discover = `type = file file = ${path} interval = 100ms max removed = 100%`
  return { discover, folder, path, remotes, set }
}

async function connect(t: TestContext, running: Running) {
  const client = await Client.connect(t, { port: running.port() })
  return { client, remote: await client.read(1) }
}

/** The remotes that the next four clients get, each once. */
async function serving(t: TestContext, running: Running): Promise<string> {
  const all = new Set<string>()
  for (let i = 0; i < 4; i++) {
    const { client, remote } = await connect(t, running)
    all.add(remote)
    await client.close()
  }
  return [...all].sort().join('')
}

for (const mode of MODES) {
  test(`${mode.name}: members and verdicts are there after a reload, and after a restart without their source`, async (t) => {
    const { discover, folder, path, remotes } = await membersOf(t, ['a', 'b', 'c'])
    await remotes.get('c')?.stop()
    const plan = relayTo().with(
      'balance = round-robin',
      `state file = ${join(folder, 'state')}`,
      'health { interval = 20ms timeout = 10s }',
      `discover { ${discover} }`,
    )
    const running = await mode.start(t, plan)
    await running.logged(/remote c is down: health check: connection refused/)
    assert.equal(await serving(t, running), 'ab')
    rmSync(path)
    await running.logged(/cannot find members: cannot read/)
    await reload(running, mode.textOf(plan.with('idle timeout = 1h')))
    assert.equal(await serving(t, running), 'ab')
    running.signal('SIGTERM')
    await running.ended()
    const again = await mode.start(t, plan.with('health { interval = 1h }'))
    await again.logged(/remote c is down: it was when the program stopped/)
    assert.equal(await serving(t, again), 'ab')
    await again.logged(/cannot find members: cannot read/)
  })

  test(`${mode.name}: the sessions of a member that has left end after the drain deadline`, async (t) => {
    const { discover, set } = await membersOf(t, ['a', 'b'])
    const plan = relayTo().with(
      'balance = round-robin',
      'drain deadline = 300ms',
      'access log = stderr',
      `pool = web { discover { ${discover} } }`,
      'route { pool = web }',
    )
    const running = await mode.start(t, plan)
    const both = [await connect(t, running), await connect(t, running)]
    const [ofA, ofB] = ['a', 'b'].map((name) => both.find(({ remote }) => remote === name)?.client)
    assert.ok(ofA && ofB)
    set('b')
    await running.logged(/pool web: members: left a: 1 now/)
    assert.equal(await ofA.ending(), 'end')
    await ofA.close()
    await running.logged(/ remote=a .* end=drained$/)
    assert.equal(await ofB.exchange('x'), 'x')
    assert.equal(await serving(t, running), 'b')
  })
}

test('a child that replaces a killed one has the members, and a slot is free after its last session', async (t) => {
  const { discover, set } = await membersOf(t, ['a', 'b'])
  set('a')
  const plan = relayTo()
    .with(`discover { ${discover} slots = 1 }`)
    .withMaster(spawning([1, 1], [1, 100]))
  const master = await startMaster(t, plan)
  const [killed = 0] = master.children()
  process.kill(killed, 'SIGKILL')
  await until('another child', async () => (await master.hasChildren(1))[0] !== killed)
  const { client, remote } = await connect(t, master)
  assert.equal(remote, 'a')
  set('b')
  await master.logged(/members: joined b; left a: 1 now/)
  await master.logged(/no slot is free for the member b: it waits \(slots = 1\)/)
  assert.equal(await client.exchange('x'), 'x')
  await client.close()
  await until('a client of b', async () => {
    const late = await Client.connect(t, { port: master.port() })
    const answer = await late.read(1).catch(() => '')
    await late.close()
    return answer === 'b'
  })
})
