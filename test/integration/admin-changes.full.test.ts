/** Administrators change a running relay: remotes leave and come back, over reloads; the relay reloads and ends. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { type AdminPlace, adminPath, askAdmin, requestAdmin, tcprelayctl } from '../harness/admin.js'
import { Client } from '../harness/client.js'
import { Master } from '../harness/master.js'
import { MODES, type Running, SINGLE } from '../harness/modes.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { greets, type Remote, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

interface World {
  readonly place: AdminPlace
  readonly running: Running
  planOf(weightOfA: number): RelayPlan
}

/** Two remotes that clients get in turn. */
async function world(t: TestContext, mode: (typeof MODES)[number]): Promise<World> {
  const remotes = [await remoteThat(greets('a')).start(t), await remoteThat(greets('b')).start(t)] as const
  const path = adminPath(t)
  const planWith = (weightOfA: number, port: number) => planOf(path, remotes, weightOfA, port)
  const running = await mode.start(t, planWith(1, 0))
  return { place: { socketPath: path }, running, planOf: (weight) => planWith(weight, running.port()) }
}

function planOf(path: string, [a, b]: readonly [Remote, Remote], weightOfA: number, port: number): RelayPlan {
  return relayTo(a.with(`name = a weight = ${weightOfA}`), b.with('name = b'))
    .listeningOn(`address = 127.0.0.1 port = ${port}`)
    .withMaster(`admin = { path = ${path} }`)
    .with('balance = round-robin')
}

/** Which remotes four clients get, one after the other. */
async function served(t: TestContext, running: Running): Promise<string> {
  let names = ''
  for (let i = 0; i < 4; i++) {
    const client = await Client.connect(t, { port: running.port() })
    names += await client.read(1)
    await client.close()
  }
  return [...names].toSorted().join('')
}

/** The state is in force when the workers have it, a moment after the answer. */
async function gets(t: TestContext, running: Running, names: string): Promise<void> {
  let last = ''
  await until(`clients on ${names}, not ${last}`, async () => {
    last = await served(t, running)
    return last === names
  })
}

const post = (values?: unknown) => ({ method: 'POST', values }) as const

for (const mode of MODES) {
  test(`${mode.name}: a remote drains and comes back, over reloads and the death of a child`, async (t) => {
    const { place, planOf, running } = await world(t, mode)
    await gets(t, running, 'aabb')
    const { remotes } = await askAdmin(place, 'drain', post({ name: 'a' }))
    assert.deepEqual(remotes, [{ pool: 'default', name: 'a', state: 'drain', weight: 1, sessions: 0 }])
    await gets(t, running, 'bbbb')
    await reload(running, mode.textOf(planOf(1)))
    assert.equal(await served(t, running), 'bbbb')
    if (running instanceof Master) {
      const [pid = 0] = await running.hasChildren(1)
      process.kill(pid, 'SIGKILL')
      await until('another child', () => running.children().length === 1 && running.children()[0] !== pid)
      await running.idlesAt(1)
      assert.equal(await served(t, running), 'bbbb')
    }
    await askAdmin(place, 'ready', post({ name: 'default/a' }))
    await gets(t, running, 'aabb')
    await askAdmin(place, 'weight', post({ name: 'b', weight: 0 }))
    await gets(t, running, 'aaaa')
    await askAdmin(place, 'weight', post({ name: 'b' }))
    await askAdmin(place, 'weight', post({ name: 'a', weight: 0 }))
    await gets(t, running, 'bbbb')
    // A weight that the file changes counts from then on.
    await reload(running, mode.textOf(planOf(3)), undefined, 2)
    await gets(t, running, 'aaab')
    await running.logged(
      /remote a: the configuration changes its weight to 3, which replaces the weight 0 of an admin/,
    )
  })
}

test('what an administrator wants is checked', async (t) => {
  const { place } = await world(t, SINGLE)
  const statusOf = async (operation: string, values: unknown) => {
    return (await requestAdmin(place, `/api/v1/${operation}`, post(values))).status
  }
  assert.equal(await statusOf('drain', { name: 'c' }), 404)
  assert.equal(await statusOf('drain', {}), 400)
  assert.equal(await statusOf('drain', { name: 'a', deadline: 1 }), 400)
  assert.equal(await statusOf('weight', { name: 'a', weight: -1 }), 400)
  assert.equal(await statusOf('weight', { name: 'a', weight: 'heavy' }), 400)
  const text = { method: 'POST', headers: { 'content-type': 'text/plain' }, values: { name: 'a' } } as const
  assert.equal((await requestAdmin(place, '/api/v1/drain', text)).status, 415)
  assert.equal((await requestAdmin(place, '/api/v1/drain?name=a')).status, 405)
  const { remotes } = await askAdmin(place, 'remotes')
  assert.deepEqual(
    remotes.map(({ state, weight }) => [state, weight]),
    [
      ['ready', 1],
      ['ready', 1],
    ],
  )
})

test('a reload answers what became of it, and the relay ends in order when it is asked to', async (t) => {
  const { place, planOf, running } = await world(t, SINGLE)
  const right = SINGLE.textOf(planOf(2))
  writeFileSync(running.file, right.replace('name = b', 'name = b frobnicate = 1'))
  const failed = await askAdmin(place, 'reload', post())
  assert.deepEqual([failed.isInForce, failed.generation, failed.problems.length], [false, 1, 1])
  assert.match(failed.problems[0] ?? '', /unknown directive 'frobnicate'/)
  assert.equal((await askAdmin(place, 'status')).reloadsFailed, 1)
  writeFileSync(running.file, right)
  assert.deepEqual(await askAdmin(place, 'reload', post()), { isInForce: true, generation: 2, problems: [] })
  assert.equal((await askAdmin(place, 'remotes')).remotes[0]?.weight, 2)
  await running.logged(/request of an administrator: reloading/)
  assert.deepEqual(await askAdmin(place, 'stop', post()), { sessions: 0 })
  assert.deepEqual(await running.ended(), { code: 0, signal: null })
})

test('a socket with a lower level refuses changes, and tcprelayctl says so', async (t) => {
  const remote = await remoteThat(greets('a')).start(t)
  const path = adminPath(t)
  await relayTo(remote.with('name = a')).withMaster(`admin = { path = ${path} level = operate }`).start(t)
  const drained = await tcprelayctl(t, ['-s', path, 'drain', 'a'])
  assert.deepEqual(
    [drained.code, drained.stdout.split('\n')[1]],
    [0, 'default  a     drain       1         0'],
  )
  const { code, stderr } = await tcprelayctl(t, ['-s', path, 'stop'])
  assert.deepEqual(
    [code, stderr],
    [77, "tcprelayctl: this needs the level 'admin', and the client has 'operate'\n"],
  )
})
