import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import type { Client } from '../harness/client.js'
import { type Master, masterText, spawning, startMaster } from '../harness/master.js'
import { descriptorsOf } from '../harness/proc.js'
import { type Relay, type RelayPlan, relayTo } from '../harness/relay.js'
import { IN_FORCE, reload } from '../harness/reload.js'
import { listens, remoteThat, says } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { variants } from '../harness/variants.js'

/** What a process that listens provides. */
interface Running extends Pick<Master | Relay, 'file' | 'logged' | 'pid' | 'port' | 'program' | 'signal'> {
  ended(deadlineMs?: number): Promise<unknown>
  connectTo(port?: number): Promise<Client>
  /** Waits until nothing is left of old configurations. */
  hasOneGeneration(): Promise<unknown>
}

interface Model {
  readonly name: string
  textOf(plan: RelayPlan): string
  start(t: TestContext, plan: RelayPlan): Promise<Running>
}

const SINGLE: Model = {
  name: 'a single process',
  textOf: (plan) => plan.text,
  async start(t, plan) {
    const relay = await plan.start(t)
    const connectTo = (port = relay.port()) => relay.connect({ port })
    return Object.assign(relay, { connectTo, hasOneGeneration: async () => {} })
  },
}

const MASTER: Model = {
  name: 'a master',
  textOf: (plan) => masterText(plan.withMaster(spawning([1, 2]))),
  async start(t, plan) {
    const master = await startMaster(t, plan.withMaster(spawning([1, 2])))
    const connectTo = (port = master.port()) => master.connect(port)
    return Object.assign(master, { connectTo, hasOneGeneration: () => master.hasChildren(1) })
  },
}

/** A server that sends its name to every client, and closes with it. */
async function named(t: TestContext, name: string) {
  return remoteThat((socket) => {
    socket.write(name)
    listens(socket)
  }).start(t)
}

/** A client of the remote with this name. */
async function connectsTo(running: Running, name: string, port?: number): Promise<Client> {
  const client = await running.connectTo(port)
  assert.equal(await client.read(name.length), name)
  return client
}

for (const { name, start, textOf } of variants([MASTER], [SINGLE])) {
  test(`${name}: after a reload new clients go to the new remotes, and old sessions continue`, async (t) => {
    const before = relayTo(await named(t, 'before'))
    const after = relayTo(await named(t, 'after'))
    const running = await start(t, before)
    const old = await connectsTo(running, 'before')
    await reload(running, textOf(after))
    const young = await connectsTo(running, 'after')
    await old.send('still there')
    assert.equal(old.socket.closed, false)
    await old.close()
    await young.close()
    await running.hasOneGeneration()
  })

  test(`${name}: no client is refused or lost while configurations change`, async (t) => {
    const plan = relayTo(await remoteThat(says('here')).start(t))
    const running = await start(t, plan)
    let isOver = false
    let served = 0
    const clients = async () => {
      while (!isOver) {
        const client = await running.connectTo()
        assert.equal(await client.readToEnd(), 'here')
        await client.close()
        served++
      }
    }
    const all = [clients(), clients(), clients()]
    for (let nth = 1; nth <= 5; nth++) {
      await until('clients of this configuration', () => served > nth * 10)
      await reload(running, textOf(plan.with(`idle timeout = ${nth}h`)), IN_FORCE, nth)
    }
    isOver = true
    await Promise.all(all)
  })

  test(`${name}: clients queued in the kernel are served after a reload, also for a removed listener`, async (t) => {
    const plan = relayTo(await named(t, 'x')).listeningOn(
      'address = 127.0.0.1 port = 0',
      'address = 127.0.0.1 port = 0',
    )
    const running = await start(t, plan)
    const [stays, goes] = [running.port(0), running.port(1)]
    running.signal('SIGSTOP')
    const clients = await Promise.all([stays, goes, stays, goes].map((port) => running.connectTo(port)))
    const text = textOf(plan.listeningOn(`address = 127.0.0.1 port = ${stays}`))
    writeFileSync(running.file, text)
    running.signal('SIGHUP')
    running.signal('SIGCONT')
    await running.logged(IN_FORCE)
    for (const client of clients) assert.equal(await client.read(1), 'x')
    for (const client of clients) await client.close()
    assert.equal(await (await running.connectTo(goes)).ending(), 'ECONNREFUSED')
    await reload(running, textOf(plan), IN_FORCE, 2)
    await running.hasOneGeneration()
  })

  test(`${name}: a wrong configuration is logged and changes nothing`, async (t) => {
    const plan = relayTo(await named(t, 'same'))
    const running = await start(t, plan)
    await reload(running, textOf(plan).replace('remote', 'remoat'), /is wrong: the old one goes on/)
    await running.logged(/\.cfg:\d+:\d+: unknown directive 'remoat' .*did you mean 'remote'/)
    await (await connectsTo(running, 'same')).close()
    await reload(running, textOf(plan))
    await running.hasOneGeneration()
  })

  test(`${name}: a removed listener is closed, a new one opened`, async (t) => {
    const plan = relayTo(await named(t, 'x'))
    const running = await start(t, plan)
    const oldPort = running.port()
    const moved = textOf(plan).replace('address = 127.0.0.1', 'address = 127.0.0.2')
    await reload(running, moved, /bind to 127\.0\.0\.2:(\d+) succeeded/)
    await running.logged(IN_FORCE)
    assert.equal(await (await running.connectTo(oldPort)).ending(), 'ECONNREFUSED')
  })

  test(`${name}: sessions of an old configuration end at its timeout`, async (t) => {
    const plan = relayTo(await named(t, 'held')).withMaster('old generation timeout = 1')
    const running = await start(t, plan)
    const client = await connectsTo(running, 'held')
    await reload(running, textOf(plan))
    assert.equal(await client.ending(), 'ECONNRESET')
    await running.logged(/ending 1 (children|sessions) of an old configuration/)
    await running.hasOneGeneration()
  })

  test(`${name}: a new listener takes the port of a conflicting old one`, async (t) => {
    const plan = relayTo(await named(t, 'x')).listeningOn('port = 0')
    const running = await start(t, plan)
    const port = running.port()
    const narrowed = textOf(plan).replace('{ port = 0', `{ address = 127.0.0.1 port = ${port}`)
    await reload(running, narrowed, new RegExp(`bind to 127\\.0\\.0\\.1:${port} succeeded`))
    await (await connectsTo(running, 'x', port)).close()
  })

  test(`${name}: a signal to end during a reload ends it, and no listener is left`, async (t) => {
    const plan = relayTo(await named(t, 'x'))
    const running = await start(t, plan)
    writeFileSync(running.file, textOf(plan.with('idle timeout = 1h')))
    running.signal('SIGHUP')
    await running.logged(/SIGHUP: reloading/)
    running.signal('SIGTERM')
    assert.deepEqual(await running.ended(5_000), { code: 0, signal: null })
    assert.equal(await (await running.connectTo()).ending(), 'ECONNREFUSED')
  })

  test(`${name}: of several changes during a reload the last one takes effect`, async (t) => {
    const [first, last] = [relayTo(await named(t, 'first')), relayTo(await named(t, 'last'))]
    const running = await start(t, relayTo(await named(t, 'old')))
    await reload(running, textOf(first), /SIGHUP: reloading/)
    for (let i = 0; i < 3; i++) running.signal('SIGHUP')
    await reload(running, textOf(last), IN_FORCE, 2)
    await (await connectsTo(running, 'last')).close()
    await running.hasOneGeneration()
  })

  test(`${name}: sessions of old configurations count when new ones choose a remote`, async (t) => {
    const [busy, free] = [await named(t, 'busy'), await named(t, 'free')]
    const running = await start(t, relayTo(busy))
    const clients = []
    for (let i = 0; i < 3; i++) clients.push(await connectsTo(running, 'busy'))
    // Another remote comes first now: the busy one keeps its slot all the same.
    await reload(running, textOf(relayTo(free, busy)))
    for (let i = 0; i < 3; i++) clients.push(await connectsTo(running, 'free'))
    for (const client of clients) await client.close()
    await running.hasOneGeneration()
  })

  test(`${name}: a new remote by name has its addresses for the first client`, async (t) => {
    const running = await start(t, relayTo(await named(t, 'number')))
    const { port } = await named(t, 'name')
    await reload(running, textOf(relayTo({ directive: `address = localhost port = ${port}` })))
    await (await connectsTo(running, 'name')).close()
    await running.hasOneGeneration()
  })

  test(`${name}: the access log is that of the configuration in force`, async (t) => {
    const folder = temporaryFolder(t)
    const [before, after] = [join(folder, 'before.log'), join(folder, 'after.log')]
    const plan = relayTo(await named(t, 'x'))
    const running = await start(t, plan.with(`access log = ${before}`))
    const isOpen = (file: string) => descriptorsOf(running.pid).includes(file)
    await until('the first log', () => isOpen(before))
    await reload(running, textOf(plan.with(`access log = ${after}`)))
    await until('the second log alone', () => isOpen(after) && !isOpen(before))
    await reload(running, textOf(plan), IN_FORCE, 2)
    await until('no log', () => !isOpen(after))
    await running.hasOneGeneration()
  })
}

test('a child program that never starts does not delay the old configuration', async (t) => {
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
