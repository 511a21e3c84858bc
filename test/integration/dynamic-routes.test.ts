import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from '../harness/client.js'
import { clientHello } from '../harness/client-hello.js'
import { freePorts } from '../harness/free-ports.js'
import { MODES, type Running, SINGLE } from '../harness/modes.js'
import { type NameRecords, NameServer } from '../harness/name-server.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { IN_FORCE, reload } from '../harness/reload.js'
import { type Remote, remoteThat } from '../harness/remote.js'

/** The address that it was reached by. */
const tellsAddress = () => remoteThat((socket) => void socket.end(socket.localAddress ?? ''))

/** A server on all addresses of this machine. */
const anyServer = (t: TestContext): Promise<Remote> => tellsAddress().start(t, { host: '0.0.0.0', port: 0 })

/** Allows names below `allowed.test`, and the addresses of `NETWORK` only. */
const NETWORK = '127.0.0.128/25'

function dynamicRoute(names: NameServer, { port }: Pick<Remote, 'port'>, ...more: string[]): RelayPlan {
  const lines = [`dynamic port = ${port}`, `dynamic addresses = ${NETWORK}`, ...more]
  return relayTo()
    .with(
      'route = {',
      'server name = *.test',
      'dynamic = yes',
      'dynamic names = *.allowed.test, exact.test',
      ...lines,
      '}',
      'dial retries = 0',
      'access log = stderr',
    )
    .running({ env: names.environment })
}

/** What a client that asks for this name receives up to the end. */
async function answerFor(t: TestContext, running: Running, servername: string): Promise<string> {
  const client = await Client.connect(t, { port: running.port() })
  await client.send(await clientHello({ servername }))
  const received = await client.readToEnd()
  await client.close()
  return received
}

/** How a client that asks for this name ends, and the end of its line in the access log. */
async function refusal(t: TestContext, running: Running, servername: string, end: RegExp): Promise<void> {
  const client = await Client.connect(t, { port: running.port() })
  await client.send(await clientHello({ servername }))
  assert.equal(await client.ending(), 'ECONNRESET')
  await client.close()
  await running.logged(end)
}

const ALLOWED: NameRecords = { addresses: ['127.0.0.129'] }

for (const mode of MODES) {
  test(`${mode.name}: a client reaches the host that it asks for, and no other`, async (t) => {
    const [names, server] = [await NameServer.start(t), await anyServer(t)]
    names.set('www.allowed.test', ALLOWED)
    names.set('exact.test', { addresses: ['127.0.0.130'] })
    names.set('forbidden.test', ALLOWED)
    names.set('inside.allowed.test', { addresses: ['127.0.0.1', '::1', '::ffff:10.0.0.1'] })
    names.set('mixed.allowed.test', { addresses: ['127.0.0.1', '10.0.0.1', '127.0.0.131'] })
    const running = await mode.start(t, dynamicRoute(names, server))
    assert.equal(await answerFor(t, running, 'WWW.Allowed.Test'), '127.0.0.129')
    await running.logged(new RegExp(` remote=www.allowed.test:${server.port} .* sni=\\S+ .*end=done$`, 'i'))
    assert.equal(await answerFor(t, running, 'exact.test'), '127.0.0.130')
    assert.equal(await answerFor(t, running, 'mixed.allowed.test'), '127.0.0.131')
    await refusal(t, running, 'forbidden.test', /end=name-not-allowed reason=forbidden.test$/)
    await refusal(t, running, 'x.exact.test', /end=name-not-allowed reason=x.exact.test$/)
    await refusal(
      t,
      running,
      'none.allowed.test',
      /end=name-not-resolved reason=none.allowed.test:_ENOTFOUND$/,
    )
    await refusal(
      t,
      running,
      'inside.allowed.test',
      /end=address-not-allowed reason=inside.allowed.test:_\S+$/,
    )
    assert.equal(server.acceptedCount, 3)
    assert.equal(names.countOf('A forbidden.test'), 0, 'only allowed names are looked up')
    assert.equal(await answerFor(t, running, 'www.allowed.test'), '127.0.0.129')
    assert.equal(names.countOf('A www.allowed.test'), 1, 'the answer is cached')
  })

  test(`${mode.name}: after its TTL a name is looked up again, and its new address is checked`, async (t) => {
    const [names, server] = [await NameServer.start(t), await anyServer(t)]
    // The server would answer at the second address as well.
    names.set('www.allowed.test', { addresses: ['127.0.0.129'], ttl: 1 }, { addresses: ['127.0.0.1'] })
    const running = await mode.start(t, dynamicRoute(names, server))
    assert.equal(await answerFor(t, running, 'www.allowed.test'), '127.0.0.129')
    const again = async () => {
      const client = await Client.connect(t, { port: running.port() })
      await client.send(await clientHello({ servername: 'www.allowed.test' }))
      const ending = await client.ending()
      await client.close()
      return ending
    }
    while ((await again()) === 'end') assert.equal(names.countOf('A www.allowed.test'), 1)
    await running.logged(/end=address-not-allowed reason=www.allowed.test:_127.0.0.1$/)
  })
}

test('clients of one name wait for one lookup, at most for its time limit', async (t) => {
  const [names, server] = [await NameServer.start(t), await anyServer(t)]
  names.set('slow.allowed.test', { none: true })
  // Longer than the clients need to connect: one that comes after the time limit would begin another lookup.
  const running = await SINGLE.start(t, dynamicRoute(names, server, 'dynamic timeout = 2s'))
  await Promise.all(
    Array.from({ length: 5 }, () =>
      refusal(t, running, 'slow.allowed.test', /end=name-not-resolved reason=slow.allowed.test:_timed_out$/),
    ),
  )
  assert.equal(names.countOf('A slow.allowed.test'), 1)
  // The resolver repeats its query until it has an answer, and closes its socket.
  names.set('slow.allowed.test', ALLOWED)
})

test('a client may leave while its host is looked up', async (t) => {
  const [names, server] = [await NameServer.start(t), await anyServer(t)]
  names.set('slow.allowed.test', { none: true })
  const running = await SINGLE.start(t, dynamicRoute(names, server))
  const client = await Client.connect(t, { port: running.port() })
  await client.send(await clientHello({ servername: 'slow.allowed.test' }))
  await names.isAsked('A slow.allowed.test')
  client.reset()
  await running.logged(/end=client-left /)
  names.set('slow.allowed.test', ALLOWED)
})

test('without a dynamic port the host is reached at the port of the listener; others fail over', async (t) => {
  const names = await NameServer.start(t)
  // Nobody answers at the first address.
  const port = await freePorts(1, '127.0.0.1', '127.0.0.140')
  const there = await tellsAddress().start(t, { host: '127.0.0.140', port })
  names.set('www.allowed.test', { addresses: ['127.0.0.139', '127.0.0.140'] })
  const plan = relayTo()
    .listeningOn(`address = 127.0.0.1 port = ${there.port}`)
    .with(
      `route = { dynamic = yes dynamic names = * dynamic addresses = ${NETWORK} }`,
      'dial retries = 0',
      'access log = stderr',
    )
    .running({ env: names.environment })
  const running = await SINGLE.start(t, plan)
  assert.equal(await answerFor(t, running, 'www.allowed.test'), '127.0.0.140')
  await running.logged(new RegExp(` remote=www.allowed.test:${there.port} `))
  await there.stop()
  await refusal(t, running, 'www.allowed.test', /end=no-remote reason=connection_refused$/)
})

test('a reload changes the allowed names; established sessions and cached addresses continue', async (t) => {
  const [names, server] = [
    await NameServer.start(t),
    await remoteThat((socket) => void socket.pipe(socket)).start(t, { host: '0.0.0.0', port: 0 }),
  ]
  names.set('www.allowed.test', ALLOWED)
  const plan = (port: number, allowed: string) =>
    relayTo()
      .listeningOn(`address = 127.0.0.1 port = ${port}`)
      .with(
        `route = { dynamic = yes dynamic names = ${allowed} dynamic port = ${server.port} dynamic addresses = ${NETWORK} }`,
        'access log = stderr',
      )
      .running({ env: names.environment })
  const running = await SINGLE.start(t, plan(0, '*.allowed.test'))
  const hello = await clientHello({ servername: 'www.allowed.test' })
  const client = await Client.connect(t, { port: running.port() })
  await client.send(hello)
  assert.equal((await client.read(hello.length)).length, hello.length)
  await reload(running, SINGLE.textOf(plan(running.port(), 'www.allowed.test, other.test')))
  const second = await Client.connect(t, { port: running.port() })
  await second.send(hello)
  await second.read(hello.length)
  assert.equal(names.countOf('A www.allowed.test'), 1)
  await reload(running, SINGLE.textOf(plan(running.port(), 'other.test')), IN_FORCE, 2)
  await refusal(t, running, 'www.allowed.test', /end=name-not-allowed reason=www.allowed.test$/)
  assert.equal(await client.exchange('still here'), 'still here')
  await client.close()
  await second.close()
})
