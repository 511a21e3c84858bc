import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { type Master, masterText, spawning, startMaster } from '../harness/master.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { listens, remoteThat, says } from '../harness/remote.js'

const IN_FORCE = /the new configuration is in force/

/** A server that tells its name to everybody, and leaves with its client. */
async function named(t: TestContext, name: string) {
  return remoteThat((socket) => {
    socket.write(name)
    listens(socket)
  }).start(t)
}

async function reload(master: Master, text: string, outcome: RegExp, nth = 1): Promise<void> {
  writeFileSync(master.file, text)
  master.signal('SIGHUP')
  await master.logged(outcome, nth)
}

test('after a reload new clients go to the new remotes, and old sessions stay', async (t) => {
  const before = await named(t, 'before')
  const after = await named(t, 'after')
  const plan = (remote: typeof before) => relayTo(remote).withMaster(spawning([1, 1]))
  const master = await startMaster(t, plan(before))
  const old = await master.connect()
  assert.equal(await old.read('before'.length), 'before')
  await reload(master, masterText(plan(after)), IN_FORCE)
  const young = await master.connect()
  assert.equal(await young.read('after'.length), 'after')
  await old.send('still there')
  assert.equal(old.socket.closed, false)
  await old.close()
  await young.close()
  await master.hasChildren(1)
})

test('no client is refused or lost while configurations change', async (t) => {
  const remote = await remoteThat(says('here')).start(t)
  const plan = relayTo(remote).withMaster(spawning([1, 2]))
  const master = await startMaster(t, plan)
  let isOver = false
  let served = 0
  const clients = async () => {
    while (!isOver) {
      const client = await master.connect()
      assert.equal(await client.readToEnd(), 'here')
      await client.close()
      served++
    }
  }
  const running = [clients(), clients(), clients()]
  for (let nth = 1; nth <= 3; nth++) {
    await reload(master, masterText(plan.with(`idle timeout = ${nth}h`)), IN_FORCE, nth)
  }
  isOver = true
  await Promise.all(running)
  assert.ok(served > 10, `${served} clients were served`)
})

test('a wrong configuration is told and changes nothing', async (t) => {
  const remote = await named(t, 'same')
  const plan = relayTo(remote).withMaster(spawning([1, 1]))
  const master = await startMaster(t, plan)
  const [child] = await master.hasChildren(1)
  await reload(master, masterText(plan).replace('remote', 'remoat'), /is wrong: the old one goes on/)
  assert.match(master.program.stderr.text, /expected .* but got 'remoat'/)
  assert.deepEqual(await master.hasChildren(1), [child])
  const client = await master.connect()
  assert.equal(await client.read('same'.length), 'same')
  await client.close()
})

test('a listener that is gone is closed, a new one opened', async (t) => {
  const remote = await named(t, 'x')
  const plan: RelayPlan = relayTo(remote).withMaster(spawning([1, 1]))
  const master = await startMaster(t, plan)
  const oldPort = master.port()
  const moved = masterText(plan).replace('address = 127.0.0.1', 'address = 127.0.0.2')
  await reload(master, moved, /bind to 127\.0\.0\.2:(\d+) succeeded/)
  await master.logged(IN_FORCE)
  assert.equal(await (await master.connect(oldPort)).ending(), 'ECONNREFUSED')
})

test('sessions of an old configuration end when its time is over', async (t) => {
  const remote = await named(t, 'held')
  const plan = relayTo(remote).withMaster(spawning([1, 1]), 'old generation timeout = 1')
  const master = await startMaster(t, plan)
  const client = await master.connect()
  assert.equal(await client.read('held'.length), 'held')
  await reload(master, masterText(plan), IN_FORCE)
  assert.equal(await client.ending(), 'ECONNRESET')
  await master.logged(/ending 1 children of an old configuration/)
  await master.hasChildren(1)
})

test('a new listener takes the port of an old one that was in its way', async (t) => {
  const remote = await named(t, 'x')
  const plan = relayTo(remote)
    .listeningOn('port = 0')
    .withMaster(spawning([1, 1]))
  const master = await startMaster(t, plan)
  const port = master.port()
  const narrowed = masterText(plan).replace(
    'listen = { port = 0',
    `listen = { address = 127.0.0.1 port = ${port}`,
  )
  await reload(master, narrowed, new RegExp(`bind to 127\\.0\\.0\\.1:${port} succeeded`))
  const client = await master.connect(port)
  assert.equal(await client.read(1), 'x')
  await client.close()
})

test('a master that is told to end while it reloads ends, and nothing of it listens', async (t) => {
  const remote = await named(t, 'x')
  const plan = relayTo(remote).withMaster(spawning([1, 1]))
  const master = await startMaster(t, plan)
  writeFileSync(master.file, masterText(plan.with('idle timeout = 1h')))
  master.signal('SIGHUP')
  await master.logged(/SIGHUP: reloading/)
  master.signal('SIGTERM')
  assert.deepEqual(await master.ended(5_000), { code: 0, signal: null })
  await master.leavesNoChild(0)
  assert.equal(await (await master.connect()).ending(), 'ECONNREFUSED')
})

test('a program that never starts does not hold the old configuration up', async (t) => {
  const remote = await named(t, 'x')
  const plan = relayTo(remote).withMaster(spawning([1, 1]))
  const master = await startMaster(t, plan)
  const [child = 0] = await master.hasChildren(1)
  const broken = masterText(plan.withMaster('spawn = { exec = /bin/false }'))
  await reload(master, broken, /no child starts with the new configuration: the old one goes on/)
  process.kill(child, 'SIGKILL')
  await master.logged(/terminated abnormally \(signal SIGKILL\)/)
  const client = await master.connect()
  assert.equal(await client.read(1), 'x')
  await client.close()
  await master.hasChildren(1)
})

test('sessions of old children count when new ones choose a remote', async (t) => {
  const busy = await named(t, 'busy')
  const free = await named(t, 'free')
  const master = await startMaster(t, relayTo(busy).withMaster(spawning([1, 1])))
  const old = await Promise.all([1, 2, 3].map(() => master.connect()))
  for (const client of old) assert.equal(await client.read(4), 'busy')
  // Another remote comes first now: the busy one keeps its slot all the same.
  await reload(master, masterText(relayTo(free, busy).withMaster(spawning([1, 1]))), IN_FORCE)
  const young = []
  for (const expected of ['free', 'free', 'free']) {
    const client = await master.connect()
    assert.equal(await client.read(4), expected)
    young.push(client)
  }
  for (const client of [...old, ...young]) await client.close()
  await master.hasChildren(1)
})
