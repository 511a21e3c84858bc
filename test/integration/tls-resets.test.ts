import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from '../harness/client.js'
import { type RelayPlan, relayTo, type Target } from '../harness/relay.js'
import { echoes, echoesForEver, listens, remoteThat } from '../harness/remote.js'
import { TcpProxy } from '../harness/tcp-proxy.js'
import { connectTls, localhost, servedWith, tlsRemote } from '../harness/tls.js'
import { until } from '../harness/until.js'

/** Connections that are reset in any phase. */

function terminating(t: TestContext, remote: Target): RelayPlan {
  return relayTo(remote)
    .with(servedWith(localhost(t)), 'access log = stderr')
    .listeningOn('address = 127.0.0.1 port = 0 tls = yes')
}

/** How connections end at a remote, in their order. */
function endingsAt() {
  const endings: string[] = []
  const note = (socket: import('node:net').Socket) => {
    socket.on('error', (error) => endings.push('code' in error ? String(error.code) : error.message))
    socket.on('end', () => endings.push('end'))
  }
  return { endings, note }
}

test('a client resets during its handshake, after any number of bytes', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await terminating(t, remote).start(t)
  let bytesLeft = 0
  const proxy = await TcpProxy.start(t, relay.port(), {
    async forth(bytes, to) {
      const part = bytes.subarray(0, bytesLeft)
      bytesLeft -= part.length
      await new Promise((resolve) => to.write(part, resolve))
      if (bytesLeft === 0) to.resetAndDestroy()
    },
  })
  const stops = [1, 5, 6, 60, 200, 300, 400]
  for (const stop of stops) {
    bytesLeft = stop
    const client = await connectTls(t, proxy.port, { minVersion: 'TLSv1.3' })
    await client.close()
  }
  await relay.logged(/ end=client-left/, stops.length)
  assert.equal(remote.acceptedCount, 0)
})

test('a client resets during the handshake with a remote; the remote is reset', async (t) => {
  const silent = await remoteThat(listens).start(t)
  const relay = await terminating(t, silent.with('tls = yes verify = no')).start(t)
  const raw = await Client.connect(t, { port: relay.port() })
  const client = await connectTls(t, 0, { socket: raw.socket })
  await silent.holds(1)
  raw.reset()
  await relay.logged(/ end=client-left/)
  await client.close()
  await silent.holds(0)

  const rude = await remoteThat((socket) => void socket.once('data', () => socket.resetAndDestroy())).start(t)
  const plan = terminating(t, rude.with('tls = yes verify = no')).with('dial retries = 0')
  const other = await plan.start(t)
  const visitor = await connectTls(t, other.port())
  assert.equal(await visitor.ending(), 'ECONNRESET')
  await other.logged(/remote .* is down: .*reset/)
  await other.logged(/ end=no-remote/)
})

test('a client resets while bytes flow, and after the remote has ended', async (t) => {
  const { endings, note } = endingsAt()
  const remote = await remoteThat((socket) => {
    note(socket)
    echoesForEver(socket)
    socket.on('data', (bytes) => {
      if (String(bytes) === 'end') socket.end()
    })
  }).start(t)
  const relay = await terminating(t, remote).start(t)
  for (const word of ['flow', 'end']) {
    const raw = await Client.connect(t, { port: relay.port() })
    const client = await connectTls(t, 0, { socket: raw.socket })
    assert.equal(await client.exchange(word), word)
    if (word === 'end') assert.equal(await client.readToEnd(), '')
    raw.reset()
    await until('the remote to be reset', () => endings.length > 0)
    assert.deepEqual(endings.splice(0), ['ECONNRESET'])
    await client.close()
  }
  await relay.logged(/ end=client-reset/, 2)
})

test('a TLS remote resets while bytes flow, and after the client has ended', async (t) => {
  const server = localhost(t)
  const words = `tls = yes server name = localhost ca-file = ${server.certFile}`
  const secret = await tlsRemote(t, server, '', (socket) => void socket.on('data', (b) => socket.write(b)))
  const proxy = await TcpProxy.start(t, secret.port)
  const target = { directive: `address = 127.0.0.1 port = ${proxy.port} ${words}` }
  const relay = await terminating(t, target).start(t)
  for (const mayEnd of [false, true]) {
    const client = await connectTls(t, relay.port())
    assert.equal(await client.exchange('hello'), 'hello')
    if (mayEnd) await client.endWriting()
    proxy.pairs.at(-1)?.near.resetAndDestroy()
    assert.equal(await client.ending(), 'ECONNRESET')
    await client.close()
  }
  await relay.logged(/ end=remote-reset/, 2)
})

test('silent TLS peers are reset at their timeout, not before', async (t) => {
  const { endings, note } = endingsAt()
  const remote = await remoteThat((socket) => {
    note(socket)
    echoesForEver(socket)
  }).start(t)
  const relay = await terminating(t, remote).with('idle timeout = 1').start(t)
  const client = await connectTls(t, relay.port())
  assert.equal(await client.exchange('hello'), 'hello')
  assert.equal(await client.ending(), 'ECONNRESET')
  await until('the remote to be reset', () => endings.length > 0)
  assert.deepEqual(endings, ['ECONNRESET'])
  const line = await relay.logged(/ seconds=([\d.]+) end=idle-timeout/)
  assert.ok(Number(line[1]) >= 1)
  await client.close()
})
