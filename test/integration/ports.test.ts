import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { afterwards, temporaryFolder } from '../harness/clean-up.js'
import { Client, type Place } from '../harness/client.js'
import { foreignMaster, MAX } from '../harness/foreign-master.js'
import { freePorts } from '../harness/free-ports.js'
import { masterText, spawning, startMaster } from '../harness/master.js'
import { MODES } from '../harness/modes.js'
import { Names } from '../harness/names.js'
import { needs } from '../harness/needs.js'
import { fileOfProject, tcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { IN_FORCE, reload } from '../harness/reload.js'
import { echoes, remoteThat, says } from '../harness/remote.js'
import { until } from '../harness/until.js'

/** Loopback addresses where nothing else listens. */
const FRONT = '127.0.31.1'
const BACK = '127.0.31.2'

/** Servers on consecutive ports that send their port. */
async function startServers(t: TestContext, first: number, count: number): Promise<void> {
  for (let port = first; port < first + count; port++) {
    await remoteThat(says(`port ${port}`)).start(t, { host: BACK, port })
  }
}

async function hears(t: TestContext, place: Place): Promise<string> {
  const client = await Client.connect(t, { host: FRONT, ...place })
  const text = await client.readToEnd()
  await client.close()
  return text
}

async function echoesAt(t: TestContext, port: number): Promise<Client> {
  const client = await Client.connect(t, { host: FRONT, port })
  assert.equal(await client.exchange('x'), 'x', `port ${port}`)
  return client
}

/** Waits until the port refuses connections. */
async function refuses(t: TestContext, port: number): Promise<void> {
  await until(`port ${port} to be closed`, async () => {
    const client = await Client.connect(t, { host: FRONT, port })
    const isRefused = await client.exchange('x').catch(async () => (await client.ending()) === 'ECONNREFUSED')
    await client.close()
    return isRefused === true
  })
}

for (const { name: mode, start, textOf } of MODES) {
  test(`${mode}: each port has its own socket, and a reload adds and removes single ports`, async (t) => {
    const first = await freePorts(6, FRONT)
    const plan = relayTo(await remoteThat(echoes).start(t))
    const on = (ports: string) => plan.listeningOn(`address = ${FRONT} port = ${ports}`)
    const running = await start(t, on(`${first}-${first + 3}`))
    for (let port = first; port < first + 4; port++) {
      await running.logged(new RegExp(`bind to ${FRONT}:${port} succeeded`))
      await (await echoesAt(t, port)).close()
    }
    const [goes, stays] = [await echoesAt(t, first), await echoesAt(t, first + 1)]
    await reload(running, textOf(on(`${first + 5}, ${first + 1}-${first + 3}`)))
    await refuses(t, first)
    for (const port of [first + 1, first + 2, first + 3, first + 5]) await (await echoesAt(t, port)).close()
    for (const client of [goes, stays]) assert.equal(await client.exchange('still'), 'still')
    for (const client of [goes, stays]) await client.close()
    const bound = running.program.stderr.matching(new RegExp(`bind to ${FRONT}:${first + 1} `))
    assert.equal(bound.length, 1, 'a socket that stays is not bound again')
  })

  test(`${mode}: \`port = same\` connects to the port of the listener`, async (t) => {
    const first = await freePorts(3, FRONT, BACK)
    await startServers(t, first, 3)
    const plan = relayTo({ directive: `address = ${BACK} port = same` })
      .listeningOn(`address = ${FRONT} port = ${first}, ${first + 1}-${first + 2}`)
      .with('access log = stderr')
    const running = await start(t, plan)
    for (const port of [first + 2, first, first + 1]) {
      assert.equal(await hears(t, { port }), `port ${port}`)
      await running.logged(new RegExp(`listener=${FRONT}:${port} remote=${BACK}:same .* end=done`))
    }
  })

  test(`${mode}: the ports of a remote map to those of the listener one by one`, async (t) => {
    const first = await freePorts(3, FRONT)
    const back = await freePorts(3, BACK)
    await startServers(t, back, 3)
    const plan = relayTo({ directive: `address = ${BACK} port = ${back}-${back + 2}` })
    const on = (ports: string) => plan.listeningOn(`address = ${FRONT} port = ${ports}`)
    const running = await start(t, on(`${first}-${first + 2}`))
    for (let i = 0; i < 3; i++) assert.equal(await hears(t, { port: first + i }), `port ${back + i}`)
    // The same sockets, in another order.
    await reload(running, textOf(on(`${first + 2}, ${first}-${first + 1}`)))
    await until('clients to be those of the new configuration', async () => {
      return (await hears(t, { port: first + 2 })) === `port ${back}`
    })
    assert.equal(await hears(t, { port: first }), `port ${back + 1}`)
    assert.equal(await hears(t, { port: first + 1 }), `port ${back + 2}`)
  })
}

test('`port = same` with a port that the system has chosen, and with a name', async (t) => {
  const names = new Names(t, { addresses: [BACK], afterMs: 0 })
  const relay = await relayTo({ directive: 'address = back.test port = same' })
    .listeningOn(`address = ${FRONT} port = 0`)
    .running({ env: names.environment })
    .start(t)
  await remoteThat(says('the same')).start(t, { host: BACK, port: relay.port() })
  assert.equal(await hears(t, { port: relay.port() }), 'the same')
})

test('`port = same` with a socket that was passed on', async (t) => {
  if (!needs(t, 'python3')) return
  const relay = await relayTo({ directive: `address = ${BACK} port = same` })
    .listeningOn('inherited = front')
    .running({ under: ['python3', fileOfProject('test/harness/hand_over.py'), 'systemd', 'front'] })
    .start(t)
  await remoteThat(says('the same')).start(t, { host: BACK, port: relay.port() })
  assert.equal(await hears(t, { host: '127.0.0.1', port: relay.port() }), 'the same')
})

test('`port = same` under a classic master; clients of its Unix sockets have no port', async (t) => {
  const file = join(temporaryFolder(t), 'relay.cfg')
  writeFileSync(
    file,
    masterText(relayTo({ directive: `address = ${BACK} port = same` }).with('dial retries = 0')),
  )
  const master = await foreignMaster(t, file)
  if (!master) return
  await master.hears(MAX)
  await remoteThat(echoes).start(t, { host: BACK, port: await master.port() })
  await master.hold()
  assert.equal(await master.say('the same'), 'the same')
  await master.release()
  await master.hold(true)
  await master.stderr.reached(/cannot connect to 127\.0\.31\.2:same from here: address not available/)
  await master.release()
  await master.countsDone(2)
})

test('a child of a classic master cannot map port ranges', async (t) => {
  const file = join(temporaryFolder(t), 'relay.cfg')
  writeFileSync(file, masterText(relayTo({ directive: `address = ${BACK} port = 9000-9003` })))
  const master = await foreignMaster(t, file)
  if (!master) return
  assert.equal(await master.ended(), 78)
  assert.match(master.stderr.text, /a list of ports requires the listeners' ports/)
})

test('a port in use does not keep the others from serving', async (t) => {
  const first = await freePorts(3, FRONT)
  const squatter = createServer().listen(first + 1, FRONT)
  afterwards(t, async () => void squatter.close())
  await until('a port that is taken', () => squatter.listening)
  const relay = await relayTo(await remoteThat(says('here')).start(t))
    .listeningOn(`address = ${FRONT} port = ${first}-${first + 2}`)
    .start(t)
  await relay.logged(new RegExp(`bind to ${FRONT}:${first + 1} failed: address already in use`))
  for (const port of [first, first + 2]) assert.equal(await hears(t, { port }), 'here')
})

test('all ports of a listener share its sticky cache', async (t) => {
  const first = await freePorts(2, FRONT)
  const listener = `address = ${FRONT} port = ${first}-${first + 1} sticky cache period = 60`
  const plan = relayTo(await remoteThat(echoes).start(t)).listeningOn(listener)
  const master = await startMaster(t, plan.withMaster(spawning([2, 2], [1, 9])), { children: 2 })
  const clients = [await echoesAt(t, first), await echoesAt(t, first + 1), await echoesAt(t, first)]
  await master.holds(3, 0)
  for (const client of clients) await client.close()
})

test('listening sockets beyond the descriptor limit refuse a start and a reload', async (t) => {
  if (!needs(t, 'prlimit')) return
  const under = ['prlimit', '--nofile=200:200']
  const first = await freePorts(101, FRONT)
  const plan = relayTo(await remoteThat(says('here')).start(t))
  const on = (count: number) =>
    plan.listeningOn(`address = ${FRONT} port = ${first}-${first + count - 1}`).running({ under })
  const file = on(101).file(t)
  const started = await tcprelay(t, ['-D', file], { under })
  assert.equal(started.code, 78)
  assert.match(started.stderr, /too many listening sockets: 101 exceed half of the limit of 200 open files/)
  assert.equal((await tcprelay(t, ['-P', file], { under })).code, 78)
  const relay = await on(3).start(t)
  await reload(relay, on(101).text, /the new configuration is wrong: the old one goes on/)
  await reload(relay, on(4).text, IN_FORCE)
  assert.equal(await hears(t, { port: first + 3 }), 'here')
  await reload(relay, on(3).text, IN_FORCE, 2)
})
