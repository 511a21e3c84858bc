import assert from 'node:assert/strict'
import { test } from 'node:test'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { byteByByte, TcpProxy } from '../harness/tcp-proxy.js'
import { connectTls, localhost, servedWith, tlsRemote } from '../harness/tls.js'

/** Records that arrive in pieces, or many at once. */

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

const LISTENER = 'address = 127.0.0.1 port = 0 tls = yes'

/** Overhead of TLS 1.3 per record: its header, the type inside, the tag. */
const RECORD_OVERHEAD_BYTES = 5 + 1 + 16

for (const version of VERSIONS) {
  const options = { minVersion: version, maxVersion: version, servername: 'localhost', ALPNProtocols: ['a'] }

  test(`${version}: records of a client that arrive byte by byte`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    // What a listener does before the handshake does not depend on the version.
    for (const mode of version === 'TLSv1.2' ? ['yes'] : ['yes', 'auto', 'pass']) {
      const server = localhost(t)
      const secret = await tlsRemote(t, server, '', (socket) => void socket.pipe(socket))
      const relay = await relayTo(mode === 'pass' ? secret : remote)
        .with(servedWith(server), 'access log = stderr')
        .listeningOn(`address = 127.0.0.1 port = 0 tls = ${mode}`)
        .start(t)
      const proxy = await TcpProxy.start(t, relay.port(), { forth: byteByByte(() => relay.pid) })
      const client = await connectTls(t, proxy.port, options)
      for (const text of ['one', 'two and more', 'x'.repeat(100)]) {
        assert.equal(await client.exchange(text), text)
      }
      await client.endWriting()
      assert.equal(await client.ending(), 'end', mode)
      await client.close()
      await relay.logged(/ sni=localhost .* end=done/)
    }
  })

  test(`${version}: records of a remote that arrive byte by byte`, async (t) => {
    const server = localhost(t)
    const secret = await tlsRemote(t, server, '', (socket) => void socket.pipe(socket))
    const receiver = { pid: 0 }
    const proxy = await TcpProxy.start(t, secret.port, { back: byteByByte(() => receiver.pid) })
    const words = `tls = ${version} server name = localhost ca-file = ${server.certFile}`
    const relay = await relayTo({ directive: `address = 127.0.0.1 port = ${proxy.port} ${words}` })
      .with('access log = stderr')
      .start(t)
    receiver.pid = relay.pid
    const client = await relay.connect()
    for (const text of ['one', 'two and more', 'x'.repeat(100)]) {
      assert.equal(await client.exchange(text), text)
    }
    await client.endWriting()
    assert.equal(await client.readToEnd(), '')
    await client.close()
    await relay.logged(new RegExp(` remote_tls=${version} .* end=done`))
  })
}

test('many records in one segment, with the end in it', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote)
    .with(servedWith(localhost(t)))
    .listeningOn(LISTENER)
    .start(t)
  let wanted = 0
  let held: Buffer[] = []
  const proxy = await TcpProxy.start(t, relay.port(), {
    async forth(bytes, to) {
      held.push(bytes)
      const all = Buffer.concat(held)
      if (all.length < wanted) return
      to.write(all)
      held = []
      wanted = 0
    },
  })
  const client = await connectTls(t, proxy.port, { minVersion: 'TLSv1.3' })
  assert.equal(await client.exchange('before'), 'before')
  for (const textBytes of [1, 100, 700]) {
    const texts = Array.from({ length: 40 }, (_, i) => String.fromCharCode(48 + i).repeat(textBytes))
    wanted = 40 * (textBytes + RECORD_OVERHEAD_BYTES)
    for (const text of texts) await client.send(text)
    assert.equal(await client.read(40 * textBytes), texts.join(''))
  }
  wanted = 14 + RECORD_OVERHEAD_BYTES + 2 + RECORD_OVERHEAD_BYTES
  await client.send('the last words')
  await client.endWriting()
  assert.equal(await client.readToEnd(), 'the last words')
  await client.close()
})
