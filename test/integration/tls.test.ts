import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { Client } from '../harness/client.js'
import { freeze } from '../harness/held.js'
import { spawning, startMaster } from '../harness/master.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { echoes, greets, listens, type Remote, remoteThat } from '../harness/remote.js'
import { connectTls, fileWith, identityFiles, localhost, servedWith, type TlsClient } from '../harness/tls.js'
import { until } from '../harness/until.js'
import { variants } from '../harness/variants.js'
import { makeIdentity, makeRevocations } from '../support/certificates.js'

type Version = 'TLSv1.2' | 'TLSv1.3'

const VERSIONS = variants<Version>(['TLSv1.3'], ['TLSv1.2'])

/** A relay with a TLS listener. */
function terminating(t: TestContext, remote: Remote, mode = 'yes', files = localhost(t)): RelayPlan {
  return relayTo(remote)
    .with(servedWith(files), 'access log = stderr')
    .listeningOn(`address = 127.0.0.1 port = 0 tls = ${mode}`)
}

async function exchangesMuch(client: TlsClient, bytes: number): Promise<void> {
  const content = randomBytes(bytes)
  const hash = createHash('sha256')
  let got = 0
  client.socket.removeAllListeners('data')
  client.socket.on('data', (chunk) => {
    hash.update(chunk)
    got += chunk.length
  })
  await client.send(content)
  await client.endWriting()
  assert.equal(await client.ending(), 'end')
  assert.equal(got, bytes)
  assert.equal(hash.digest('hex'), createHash('sha256').update(content).digest('hex'))
}

for (const version of VERSIONS) {
  test(`${version}: clients speak TLS, the remote does not`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const relay = await terminating(t, remote).start(t)
    const options = { minVersion: version, maxVersion: version, servername: 'localhost' }
    const client = await connectTls(t, relay.port(), options)
    assert.equal(client.socket.getProtocol(), version)
    assert.equal(await client.exchange('hello'), 'hello')
    await exchangesMuch(client, 8 * 1024 * 1024)
    await client.close()
    await relay.logged(
      new RegExp(` tls=${version} cipher=\\S+ sni=localhost resumed=no to_remote=8388613 .* end=done`),
    )
  })

  test(`${version}: a version that the listener does not allow is refused`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const other: Version = version === 'TLSv1.3' ? 'TLSv1.2' : 'TLSv1.3'
    const relay = await terminating(t, remote, other).start(t)
    const client = await connectTls(t, relay.port(), { minVersion: version, maxVersion: version })
    assert.match(await client.ending(), /PROTOCOL_VERSION|ECONNRESET/)
    await relay.logged(/TLS with 127\.0\.0\.1:\d+ failed: /)
    await relay.logged(/end=bad-greeting/)
    assert.equal(remote.acceptedCount, 0)
  })
}

test('half-close is preserved over TLS, both ways', async (t) => {
  const remote = await remoteThat((socket) => {
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes
    })
    socket.on('end', () => socket.end(`${text} and good bye`))
  }).start(t)
  const relay = await terminating(t, remote).start(t)
  const client = await connectTls(t, relay.port())
  await client.send('request')
  await client.endWriting()
  assert.equal(await client.readToEnd(), 'request and good bye')
  await client.close()

  const quick = await remoteThat((socket) => {
    socket.end('end of mine')
    listens(socket)
  }).start(t)
  const other = await terminating(t, quick).start(t)
  const talker = await connectTls(t, other.port())
  assert.equal(await talker.readToEnd(), 'end of mine')
  await talker.send('still talking')
  await talker.endWriting()
  await other.isIdle()
  await other.logged(/to_remote=13 to_client=11 .* end=done/)
  await talker.close()
})

test('a reset of the remote is not a clean end for the client', async (t) => {
  const remote = await remoteThat((socket) => {
    socket.once('data', () => {
      socket.write('part of it')
      socket.on('data', () => socket.resetAndDestroy())
    })
  }).start(t)
  const relay = await terminating(t, remote).start(t)
  const client = await connectTls(t, relay.port())
  await client.send('x')
  // libuv takes a reset that comes together with bytes for an end (POLLHUP after a partial read): read them first.
  assert.equal(await client.read(10), 'part of it')
  await client.send('x')
  assert.equal(await client.ending(), 'ECONNRESET')
  await relay.logged(/end=remote-reset/)
})

test('truncation by a client resets or ends the connection to the remote, as configured', async (t) => {
  for (const [truncation, ending] of [
    ['reset', 'ECONNRESET'],
    ['close', 'end'],
  ] as const) {
    const endings: string[] = []
    const remote = await remoteThat((socket) => {
      socket.on('error', (error) => endings.push('code' in error ? String(error.code) : error.message))
      socket.on('end', () => endings.push('end'))
      socket.on('data', (bytes) => socket.write(bytes))
    }).start(t)
    const relay = await terminating(t, remote).with(`tls truncation = ${truncation}`).start(t)
    const raw = await Client.connect(t, { port: relay.port() })
    const client = await connectTls(t, 0, { socket: raw.socket })
    assert.equal(await client.exchange('hello'), 'hello')
    raw.socket.end() // FIN, without close_notify
    await until(`the remote to see ${ending}`, () => endings.length > 0)
    assert.deepEqual(endings, [ending])
    await client.close()
    await raw.close()
    for (const socket of remote.sockets) socket.destroy()
  }
})

test('truncation that arrives together with the last bytes is not missed', async (t) => {
  const endings: string[] = []
  const remote = await remoteThat((socket) => {
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes
      socket.write(bytes)
    })
    socket.on('end', () => {
      endings.push(`${text} and the end`)
      socket.end()
    })
  }).start(t)
  const relay = await terminating(t, remote).with('tls truncation = close').start(t)
  const raw = await Client.connect(t, { port: relay.port() })
  const client = await connectTls(t, 0, { socket: raw.socket })
  assert.equal(await client.exchange('hello, '), 'hello, ')
  assert.ok(await freeze(relay.pid))
  await client.send('last words')
  await new Promise<void>((resolve) => void raw.socket.end(resolve)) // FIN, without close_notify
  relay.signal('SIGCONT')
  await until('the remote to see the end', () => endings.length > 0)
  assert.deepEqual(endings, ['hello, last words and the end'])
  await client.close()
  await raw.close()
})

test('tls = auto accepts TLS, plain and silent clients', async (t) => {
  const remote = await remoteThat(greets('hello ')).start(t)
  const plan = terminating(t, remote, 'auto').with('tls detect timeout = 1')
  const relay = await plan.start(t)
  const secret = await connectTls(t, relay.port())
  assert.equal(await secret.read(6), 'hello ')
  assert.equal(await secret.exchange('x'), 'x')
  const open = await relay.connect()
  assert.equal(await open.exchange('y'), 'h')
  const silent = await relay.connect()
  assert.equal(await silent.read(6), 'hello ')
  for (const client of [secret, open, silent]) await client.close()
})

test('tls = pass relays TLS without terminating it, and logs the server name', async (t) => {
  const { tlsRemote } = await import('../harness/tls.js')
  const remote = await tlsRemote(t, localhost(t), '', (socket) => void socket.pipe(socket))
  const relay = await relayTo(remote)
    .with('access log = stderr')
    .listeningOn('address = 127.0.0.1 port = 0 tls = pass')
    .start(t)
  const options = { servername: 'secret.example', ALPNProtocols: ['one', 'two'] }
  const client = await connectTls(t, relay.port(), options)
  assert.equal(await client.exchange('hello'), 'hello')
  await client.close()
  await relay.logged(/ tls=passed sni=secret\.example alpn=one,two /)
  const plain = await relay.connect()
  await plain.send('no TLS at all')
  await plain.close()
  await relay.isIdle()
})

test("the certificate matches the server name; ALPN follows the listener's preference", async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const named = (name: string) => identityFiles(t, makeIdentity({ name, alternativeNames: [name] }))
  const block = ({ certFile, keyFile }: ReturnType<typeof named>, more = '') =>
    `tls certificate = { cert-file = ${certFile} key-file = ${keyFile} ${more} }`
  const [one, wild] = [named('one.example'), named('wild.example')]
  const plan = terminating(t, remote).with(
    block(one),
    block(wild, 'server name = *.wild.example'),
    'tls alpn = h2,http/1.1',
  )
  const relay = await plan.start(t)
  for (const [asked, common] of [
    ['one.example', 'one.example'],
    ['a.wild.example', 'wild.example'],
    ['a.b.wild.example', 'localhost'],
    ['else.example', 'localhost'],
  ] as const) {
    const options = { servername: asked, ALPNProtocols: ['http/1.1', 'h2'] }
    const client = await connectTls(t, relay.port(), options)
    assert.equal(client.socket.getPeerCertificate().subject.CN, common, asked)
    assert.equal(client.socket.alpnProtocol, 'h2')
    await client.close()
  }
  const stranger = await connectTls(t, relay.port(), { ALPNProtocols: ['spdy/3'] })
  assert.match(await stranger.ending(), /NO_APPLICATION_PROTOCOL|ECONNRESET/)
})

test('client certificates: good, none, of an unknown issuer, expired, revoked', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const authority = makeIdentity({ name: 'our authority', isAuthority: true })
  const stranger = makeIdentity({ name: 'their authority', isAuthority: true })
  const good = makeIdentity({ name: 'good', issuer: authority })
  const revoked = makeIdentity({ name: 'revoked', issuer: authority })
  const bad = {
    expired: makeIdentity({ name: 'expired', issuer: authority, fromDays: -20, toDays: -10 }),
    unknown: makeIdentity({ name: 'unknown', issuer: stranger }),
    revoked,
  }
  const plan = terminating(t, remote).with(
    `tls client-ca-file = ${fileWith(t, authority.pem)}`,
    `tls crl-file = ${fileWith(t, makeRevocations(authority, [revoked]))}`,
    'tls verify = require',
  )
  const relay = await plan.start(t)
  const shown = ({ pem, keyPem }: typeof good) => ({ cert: pem, key: keyPem })
  const welcome = await connectTls(t, relay.port(), shown(good))
  assert.equal(await welcome.exchange('hello'), 'hello')
  await welcome.close()
  await relay.logged(/ subject=CN=good /)
  for (const [name, identity] of Object.entries({ none: undefined, ...bad })) {
    const client = await connectTls(t, relay.port(), identity && shown(identity))
    // With TLS 1.3 a client gets the alert after its own part of the handshake.
    assert.match(await client.ending(), /alert|ALERT|ECONNRESET/i, name)
  }
  assert.equal(remote.acceptedCount, 1)
})

for (const version of VERSIONS) {
  test(`${version}: a session is resumed in any child`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const plan = terminating(t, remote).withMaster(spawning([2, 2], [1, 100]))
    const master = await startMaster(t, plan, { children: 2 })
    const options = { minVersion: version, maxVersion: version, servername: 'localhost' }
    const first = await connectTls(t, master.port(), options)
    assert.equal(await first.exchange('hello'), 'hello')
    const session = first.session
    assert.ok(session, 'the server gave a ticket')
    const second = await connectTls(t, master.port(), { ...options, session })
    assert.equal(await second.exchange('hello'), 'hello')
    assert.equal(second.socket.isSessionReused(), true)
    await master.holds(1, 1)
    for (const client of [first, second]) await client.close()
    await master.logged(/ resumed=yes /)
    await master.holds(0, 0)
  })
}

test('a client that does not finish the handshake is disconnected at the timeout', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await terminating(t, remote).with('tls handshake timeout = 1').start(t)
  const silent = await relay.connect()
  const slow = await relay.connect()
  await slow.send(Buffer.from([0x16, 3, 1, 2]))
  assert.equal(await silent.ending(), 'end')
  assert.equal(await slow.ending(), 'end')
  await relay.logged(/TLS with .* failed: handshake timed out after /)
  assert.equal(remote.acceptedCount, 0)
})
