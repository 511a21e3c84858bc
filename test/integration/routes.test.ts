import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from '../harness/client.js'
import { clientHello } from '../harness/client-hello.js'
import { MODES, type Running } from '../harness/modes.js'
import { relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { type Remote, remoteThat, says } from '../harness/remote.js'

const ANY_PORT = 'address = 127.0.0.1 port = 0'

const pool = (name: string, { directive }: Remote): string => `pool = ${name} { remote = { ${directive} } }`

/** A server for each name, which greets its clients by it. */
async function servers<Name extends string>(t: TestContext, ...names: readonly Name[]) {
  const started = await Promise.all(
    names.map(async (name) => [name, await remoteThat(says(name)).start(t)] as const),
  )
  return Object.fromEntries(started) as Record<Name, Remote>
}

/** What a client that sends these bytes receives up to the end. */
async function answer(
  t: TestContext,
  running: Running,
  bytes: string | Uint8Array = '',
  listener = 0,
): Promise<string> {
  const client = await Client.connect(t, { port: running.port(listener) })
  if (bytes.length > 0) await client.send(bytes)
  const received = await client.readToEnd()
  await client.close()
  return received
}

async function endOf(t: TestContext, running: Running, bytes: string | Uint8Array): Promise<string> {
  const client = await Client.connect(t, { port: running.port() })
  await client.send(bytes)
  const ending = await client.ending()
  await client.close()
  return ending
}

for (const mode of MODES) {
  test(`${mode.name}: clients are routed by the server name in their ClientHello`, async (t) => {
    const { web, mail, other } = await servers(t, 'web', 'mail', 'other')
    const plan = relayTo(other).with(
      pool('web', web),
      pool('mail', mail),
      'route = { server name = www.example.com, *.web.example  pool = web }',
      'route = { server name = mail.example.com  pool = mail }',
      'route = { server name = closed.example  reject = close }',
      'route = { server name = reset.example  reject = reset }',
      'access log = stderr',
    )
    const running = await mode.start(t, plan)
    const named = async (servername: string) => clientHello({ servername })
    assert.equal(await answer(t, running, await named('WWW.Example.COM')), 'web')
    assert.equal(await answer(t, running, await named('a.b.web.example')), 'web')
    assert.equal(await answer(t, running, await named('mail.example.com')), 'mail')
    assert.equal(await answer(t, running, await named('unknown.example')), 'other')
    assert.equal(await answer(t, running, 'not TLS at all'), 'other')
    assert.equal(await endOf(t, running, await named('closed.example')), 'end')
    assert.equal(await endOf(t, running, await named('reset.example')), 'ECONNRESET')
    await running.logged(/sni=reset\.example .* end=rejected-by-route rule=\S+\.cfg:\d+$/)
    await running.logged(/ pool=mail remote=\S+ tls=passed sni=mail\.example\.com /)
  })

  test(`${mode.name}: clients are routed by their protocol, and silent ones after 'detect timeout'`, async (t) => {
    const { ssh, http, tls, other } = await servers(t, 'ssh', 'http', 'tls', 'other')
    const plan = relayTo(other)
      .listeningOn(`${ANY_PORT} detect timeout = 2s`)
      .with(
        pool('ssh', ssh),
        pool('http', http),
        pool('tls', tls),
        'route = { protocol = ssh pool = ssh }',
        'route = { protocol = http pool = http }',
        'route = { protocol = tls pool = tls }',
      )
    const running = await mode.start(t, plan)
    assert.equal(await answer(t, running, 'SSH-2.0-OpenSSH_9.2\r\n'), 'ssh')
    assert.equal(await answer(t, running, 'GET / HTTP/1.1\r\n\r\n'), 'http')
    assert.equal(await answer(t, running, await clientHello({ servername: 'any.example' })), 'tls')
    assert.equal(await answer(t, running, 'something else\r\n'), 'other')
    assert.equal(await answer(t, running), 'other')
  })

  test(`${mode.name}: a reload changes the routes`, async (t) => {
    const { one, other } = await servers(t, 'one', 'other')
    const routed = (port: number, to: string) =>
      relayTo()
        .listeningOn(`address = 127.0.0.1 port = ${port}`)
        .with(pool('a', one), pool('b', other), `route = { source = 127.0.0.0/8 pool = ${to} }`)
    const running = await mode.start(t, routed(0, 'a'))
    assert.equal(await answer(t, running), 'one')
    await reload(running, mode.textOf(routed(running.port(), 'b')))
    assert.equal(await answer(t, running), 'other')
  })
}

test('clients are routed by listener, port and source; without a route or a default they are reset', async (t) => {
  const { one, other } = await servers(t, 'one', 'other')
  const relay = await relayTo()
    .listeningOn(`${ANY_PORT} name = left`, `${ANY_PORT} name = right`, ANY_PORT)
    .with(
      pool('a', one),
      pool('b', other),
      'route = { listener = left source = 127.0.0.1 pool = a }',
      'route = { listener = left pool = b }',
      'route = { listener = right pool = b }',
      'access log = stderr',
    )
    .start(t)
  assert.equal(await answer(t, relay, '', 0), 'one')
  assert.equal(await answer(t, relay, '', 1), 'other')
  const elsewhere = await relay.connect({ port: relay.port(2) })
  assert.equal(await elsewhere.ending(), 'ECONNRESET')
  await relay.logged(/ end=no-route$/)
})

test('a listener with a pool of its own is not routed', async (t) => {
  const { one, other } = await servers(t, 'one', 'other')
  const relay = await relayTo()
    .listeningOn(`${ANY_PORT} pool = a`)
    .with(pool('a', one), pool('b', other), 'route = { pool = b }')
    .start(t)
  assert.equal(await answer(t, relay), 'one')
})

test('split divides clients by their address, and a client keeps its pool', async (t) => {
  const { one, other } = await servers(t, 'one', 'other')
  const relay = await relayTo()
    .with(pool('a', one), pool('b', other), 'route = { split = { a = 50 b = 50 } }')
    .start(t)
  const answers = new Set<string>()
  for (let i = 0; i < 6; i++) answers.add(await answer(t, relay))
  assert.equal(answers.size, 1)
})
