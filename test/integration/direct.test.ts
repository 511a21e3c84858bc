import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { afterwards } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { DIRECT, type Master, masterText, spawning, startMaster } from '../harness/master.js'
import { startTcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, greets, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { variants } from '../harness/variants.js'

const IN_FORCE = /the new configuration is in force/

/** Children that accept by themselves. */
function direct(
  instances: readonly [number, number],
  users?: readonly [number, number],
  ...more: readonly string[]
): string {
  return spawning(instances, users, DIRECT, ...more)
}

async function reload(master: Master, text: string, nth = 1): Promise<void> {
  writeFileSync(master.file, text)
  master.signal('SIGHUP')
  await master.logged(IN_FORCE, nth)
}

test('children accept by themselves, and no client passes through the master', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const master = await startMaster(t, relayTo(remote).withMaster(direct([2, 2])), { children: 2 })
  const clients: Client[] = []
  // While both are idle, the one with fewer sessions gets the next client.
  await until('both children to have as many clients', async () => {
    const client = await master.connect()
    clients.push(client)
    assert.equal(await client.exchange(`hello ${clients.length}`), `hello ${clients.length}`)
    const [one = 0, other = 0] = master.sessions()
    return one >= 10 && one === other
  })
  for (const client of clients) await client.close()
  await master.holds(0, 0)
})

test('another child starts while all have `users min`, and ends when it is idle', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const master = await startMaster(t, relayTo(remote).withMaster(direct([1, 3], [2, 100])))
  const clients = []
  // Two clients fill one child, and four of them two: with more a third one would start as soon as the second.
  for (const children of [2, 3]) {
    for (let i = 0; i < 2; i++) clients.push(await master.connect())
    for (const client of clients) await client.exchange('x')
    await master.hasChildren(children)
  }
  for (const client of clients) await client.close()
  await master.logged(/child \d is no longer needed/, 2, 15_000)
  await master.hasChildren(1)
})

test('clients wait while all children have `users max`, and are served when one leaves', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const master = await startMaster(t, relayTo(remote).withMaster(direct([2, 2], [1, 2])), { children: 2 })
  const clients = await Promise.all([1, 2, 3, 4].map(() => master.connect()))
  for (const client of clients) assert.equal(await client.exchange('x'), 'x')
  await master.holds(2, 2)
  const waiting = await master.connect()
  await waiting.send('waits')
  await master.logged(/limit of 2 concurrent users reached, queueing new connections/)
  await clients[0]?.close()
  assert.equal(await waiting.read(5), 'waits')
  for (const client of [...clients, waiting]) await client.close()
  await master.logged(/resuming normal operation/)
})

for (const { ending, overload } of variants(
  [{ overload: 'reset', ending: 'ECONNRESET' }],
  [{ overload: 'close', ending: 'end' }],
)) {
  test(`overload = ${overload}: no client is rejected while a child has room or can be started`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const plan = relayTo(remote).withMaster(direct([1, 2], [1, 2]), `overload = ${overload}`)
    const master = await startMaster(t, plan)
    const clients = await Promise.all([1, 2, 3, 4].map(() => master.connect()))
    for (const client of clients) assert.equal(await client.exchange('x'), 'x')
    await master.holds(2, 2)
    await until('a rejected client', async () => {
      const client = await master.connect()
      const end = await client.ending().finally(() => client.close())
      return end === ending
    })
    await clients[0]?.close()
    await until('a place', async () => {
      const client = await master.connect()
      const answer = await client.exchange('x').catch(() => '')
      await client.close()
      return answer === 'x'
    })
  })
}

test('a killed child loses its own sessions only', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const master = await startMaster(t, relayTo(remote).withMaster(direct([2, 2])), { children: 2 })
  const clients = []
  for (let i = 0; i < 4; i++) {
    const client = await master.connect()
    await client.exchange('before')
    clients.push(client)
  }
  const [victim = 0] = master.children()
  const lost = master.sessionsOf(victim)
  process.kill(victim, 'SIGKILL')
  const answers = await Promise.all(clients.map((client) => client.exchange('after!').catch(() => 'over')))
  assert.equal(answers.filter((answer) => answer === 'over').length, lost)
  await master.logged(/terminated abnormally \(signal SIGKILL\)/)
  await master.hasChildren(2)
})

test('clients that connect while there is no child wait and are served', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const master = await startMaster(t, relayTo(remote).withMaster(direct([2, 2])), { children: 2 })
  for (const pid of master.children()) process.kill(pid, 'SIGKILL')
  const clients = await Promise.all([1, 2, 3].map(() => master.connect()))
  for (const client of clients) assert.equal(await client.exchange('hello'), 'hello')
  await master.hasChildren(2)
})

test('access rules apply where children accept', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const master = await startMaster(t, relayTo(remote).withMaster(direct([1, 1]), 'deny 127.0.0.1'))
  assert.equal(await (await master.connect()).ending(), 'end')
  await master.logged(/connection attempt from .* rejected/)
})

test('a child that retires leaves waiting clients to its successor', async (t) => {
  const remote = await remoteThat(greets('x')).start(t)
  const plan = relayTo(remote)
    .with('retire limit = 3')
    .withMaster(direct([1, 1]))
  const master = await startMaster(t, plan)
  const clients = await Promise.all(Array.from({ length: 10 }, () => master.connect()))
  for (const client of clients) assert.equal(await client.read(1), 'x')
  await master.logged(/Retire limit reached/, 3)
  for (const client of clients) await client.close()
})

test('a child that is asked to end accepts no more; its successor does', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const master = await startMaster(t, relayTo(remote).withMaster(direct([1, 1])))
  const old = await master.connect()
  await old.exchange('old')
  const [child = 0] = master.children()
  process.kill(child, 'SIGTERM')
  await master.logged(/SIGTERM: No longer accepting new connections/)
  const young = await master.connect()
  assert.equal(await young.exchange('young'), 'young')
  assert.equal(await old.exchange('still'), 'still')
  await old.close()
  await until('the old child to end', () => !master.children().includes(child))
})

test('reload: sessions continue, new clients go to new children, no connect is refused', async (t) => {
  const before = await remoteThat(greets('before')).start(t)
  const after = await remoteThat(greets('after')).start(t)
  const plan = (remote: typeof before) => relayTo(remote).withMaster(direct([2, 2]))
  const master = await startMaster(t, plan(before), { children: 2 })
  const old = await master.connect()
  assert.equal(await old.read(6), 'before')
  let isOver = false
  const crowd = async () => {
    while (!isOver) {
      const client = await master.connect()
      const name = await client.read(5)
      assert.ok(name === 'befor' || name === 'after', name)
      await client.close()
    }
  }
  const running = [crowd(), crowd()]
  await reload(master, masterText(plan(after)))
  isOver = true
  await Promise.all(running)
  const young = await master.connect()
  assert.equal(await young.read(5), 'after')
  assert.equal(await old.exchange('still'), 'still')
  await old.close()
  await young.close()
  await master.hasChildren(2)
})

test('reload: a removed listener is closed, a new one opened', async (t) => {
  const remote = await remoteThat(greets('x')).start(t)
  const plan = relayTo(remote).withMaster(direct([1, 1]))
  const master = await startMaster(t, plan)
  await reload(master, masterText(plan).replace('address = 127.0.0.1', 'address = 127.0.0.2'))
  const [, port = ''] = await master.logged(/bind to 127\.0\.0\.2:(\d+) succeeded/)
  await until('the old listener to be closed', async () => {
    const client = await master.connect()
    const isRefused = await client.read(1).catch(async () => (await client.ending()) === 'ECONNREFUSED')
    await client.close()
    return isRefused === true
  })
  await master.hasChildren(1)
  const client = await Client.connect(t, { host: '127.0.0.2', port: Number(port) })
  assert.equal(await client.read(1), 'x')
  await client.close()
})

test('a listener that is bound late is served', async (t) => {
  const remote = await remoteThat(greets('x')).start(t)
  const squatter = createServer().listen(0, '127.0.0.1')
  await until('a port that is taken', () => squatter.listening)
  afterwards(t, async () => void squatter.close())
  const { port } = squatter.address() as { port: number }
  const plan = relayTo(remote)
    .listeningOn('address = 127.0.0.1 port = 0', `address = 127.0.0.1 port = ${port} bind retry delay = 1`)
    .withMaster(direct([1, 1]))
  const master = await startMaster(t, plan)
  squatter.close()
  await master.logged(new RegExp(`bind to 127.0.0.1:${port} succeeded`))
  const client = await master.connect(port)
  assert.equal(await client.read(1), 'x')
  await client.close()
  await master.logged(IN_FORCE)
  await master.idlesAt(1)
})

test('the first signal lets sessions finish, and no new client is accepted', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const master = await startMaster(t, relayTo(remote).withMaster(direct([2, 2])), { children: 2 })
  const client = await master.connect()
  await client.exchange('before')
  master.signal('SIGTERM')
  await master.logged(/SIGTERM: exiting/)
  await until('the listener to close', async () => {
    const late = await master.connect()
    const isRefused = await late.exchange('x').catch(async () => (await late.ending()) === 'ECONNREFUSED')
    await late.close()
    return isRefused === true
  })
  assert.equal(await client.exchange('after'), 'after')
  await client.close()
  assert.deepEqual(await master.ended(5_000), { code: 0, signal: null })
})

test('foreign children with accept = direct are a configuration error', async (t) => {
  const plan = relayTo({ directive: 'address = 127.0.0.1 port = 1' }).withMaster(
    `spawn = { exec = /bin/true ${DIRECT} }`,
  )
  const program = startTcprelay(t, ['-P', plan.file(t)])
  assert.equal((await program.ended()).code, 78)
  assert.match(program.stderr.text, /`accept = direct` requires children of this program/)
})
