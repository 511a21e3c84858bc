import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { closedPort } from '../harness/closed-port.js'
import { Names } from '../harness/names.js'
import { rawPeers } from '../harness/peers.js'
import { type Relay, relayTo } from '../harness/relay.js'
import { echoes, remoteThat, says } from '../harness/remote.js'
import { takes } from '../harness/takes.js'

/** How long a client waits until the relay gives up. */
async function resetMs(relay: Relay): Promise<number> {
  const client = await relay.connect()
  const startedMs = performance.now()
  assert.equal(await client.ending(), 'ECONNRESET')
  return performance.now() - startedMs
}

test('without dial retries a refusing remote ends the client at once', async (t) => {
  const { port, target } = await closedPort()
  const relay = await relayTo(target).with('dial retries = 0', 'access log = stderr').start(t)
  await takes({ maxMs: 500 }, () => resetMs(relay))
  await relay.logged(new RegExp(`remote 127\\.0\\.0\\.1:${port} is down: connection refused`))
  const [line] = await relay.logged(/ end=no-remote/)
  assert.doesNotMatch(line, /remote=/)
})

test('remotes that take no new clients are not said to have no address', async (t) => {
  const target = { directive: 'address = 127.0.0.1 port = 9 weight = 0' }
  const relay = await relayTo(target).with('dial retries = 0', 'access log = stderr').start(t)
  const client = await relay.connect()
  assert.equal(await client.ending(), 'ECONNRESET')
  await relay.logged(/ end=no-remote reason=no_remote_takes_new_clients$/)
})

test('a self-connected socket is reset and leaves the port to its server', async (t) => {
  // The only port that the kernel may choose is the port of the remote.
  const gone = await remoteThat(echoes).start(t)
  const { port } = gone
  await gone.stop()
  const relay = await relayTo(gone)
    .with('dial retries = 0', 'access log = stderr', `local port range = ${port}-${port}`)
    .start(t)
  for (const nth of [1, 2, 3]) {
    const client = await relay.connect()
    assert.equal(await client.ending(), 'ECONNRESET')
    await relay.logged(/ end=no-remote reason=connection_refused/, nth)
  }
  await remoteThat(echoes).start(t, { host: '127.0.0.1', port })
})

test('a refusing remote is retried as often as dial retries says', async (t) => {
  const { target } = await closedPort()
  const plan = relayTo(target).with('dial retries = 2')
  await takes({ minMs: 1_800, maxMs: 3_000 }, async () => resetMs(await plan.start(t)))
})

test('a client waits for a remote that comes back within the dial timeout', async (t) => {
  const { port, target } = await closedPort()
  const relay = await relayTo(target).start(t)
  const client = await relay.connect()
  await client.send('early')
  await relay.logged(/is down: connection refused/)
  await remoteThat(echoes).start(t, { host: '127.0.0.1', port })
  assert.equal(await client.read(5), 'early')
  await relay.logged(new RegExp(`remote 127\\.0\\.0\\.1:${port} is up again`))
})

test('a remote that never answers is given up after connect timeout', async (t) => {
  const peers = rawPeers(t)
  if (!peers) return
  const silent = await peers.blackhole()
  const plan = relayTo(silent).with('connect timeout = 1', 'dial retries = 0')
  await takes({ minMs: 900, maxMs: 1_800 }, async () => {
    const relay = await plan.start(t)
    const tookMs = await resetMs(relay)
    await relay.logged(/is down: connection timed out/)
    return tookMs
  })
})

test('all attempts together take no longer than dial timeout', async (t) => {
  const peers = rawPeers(t)
  if (!peers) return
  const silent = await peers.blackhole()
  const plan = relayTo(silent).with('connect timeout = 10', 'dial timeout = 1', 'access log = stderr')
  await takes({ minMs: 900, maxMs: 1_800 }, async () => {
    const relay = await plan.start(t)
    const tookMs = await resetMs(relay)
    await relay.logged(/ end=dial-timeout/)
    return tookMs
  })
})

test('a remote that never answers only delays a client if there is another one', async (t) => {
  const peers = rawPeers(t)
  if (!peers) return
  const [silent, alive] = [await peers.blackhole(), await remoteThat(says('here')).start(t)]
  const relay = await relayTo(silent, alive).with('connect timeout = 1').start(t)
  const answers = [await relay.connect(), await relay.connect()].map((client) => client.readToEnd())
  assert.deepEqual(await Promise.all(answers), ['here', 'here'])
})

test('a remote that is down is skipped, and used again when it is back', async (t) => {
  const { port, target } = await closedPort()
  const other = await remoteThat(says('other')).start(t)
  const relay = await relayTo(target, other).start(t)
  for (let i = 0; i < 10; i++) assert.equal(await (await relay.connect()).readToEnd(), 'other')
  assert.equal(relay.program.stderr.matching(/is down/).length, 1)
  await remoteThat(says('back')).start(t, { host: '127.0.0.1', port })
  await isServedBy(() => hears(relay), 'back')
  await relay.logged(new RegExp(`remote 127\\.0\\.0\\.1:${port} is up again`))
})

test('names of remotes are resolved', async (t) => {
  const remote = await remoteThat(says('by name')).start(t)
  const relay = await relayTo({ directive: `address = localhost port = ${remote.port}` })
    .with('access log = stderr')
    .start(t)
  const client = await relay.connect()
  assert.equal(await client.readToEnd(), 'by name')
  await client.close()
  await relay.logged(new RegExp(` remote=localhost:${remote.port} `))
})

test('a name that cannot be resolved is logged and retried while others serve', async (t) => {
  const remote = await remoteThat(says('other')).start(t)
  const relay = await relayTo(NO_HOST, remote).running(withoutHost(t)).start(t)
  await relay.logged(/cannot resolve 'no-such-host\.test'/)
  for (let i = 0; i < 4; i++) assert.equal(await (await relay.connect()).readToEnd(), 'other')
  assert.equal(relay.program.stderr.matching(/is down/).length, 0)
})

test('a client whose only remote has no address yet is reset after its retries', async (t) => {
  const relay = await relayTo(NO_HOST).with('dial retries = 1').running(withoutHost(t)).start(t)
  assert.equal(await (await relay.connect()).ending(), 'ECONNRESET')
})

const NO_HOST = { directive: 'address = no-such-host.test port = 1' }

/** The name servers of this machine may take longer to answer than a test waits. */
const withoutHost = (t: TestContext) => ({
  env: new Names(t, { error: 'ENOTFOUND', afterMs: 0 }).environment,
})

/** Reads the server's greeting and disconnects: a relay that waits by select has room for a few hundred only. */
async function hears(relay: Relay): Promise<string> {
  const client = await relay.connect()
  const said = await client.readToEnd()
  await client.close()
  return said
}

/** Opens connections until the server that greets with `wanted` answers one. */
async function isServedBy(ask: () => Promise<string>, wanted: string): Promise<void> {
  const giveUpAt = performance.now() + 10_000
  while ((await ask()) !== wanted) {
    assert.ok(performance.now() < giveUpAt, `no server answers ${wanted}`)
  }
}
