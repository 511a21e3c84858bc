import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { connectTls, fileWith, identityFiles, localhost, servedWith, tlsRemote } from '../harness/tls.js'
import { makeIdentity } from '../support/certificates.js'

const echo = (socket: TLSSocket) => void socket.pipe(socket)

test('plain clients reach a TLS remote', async (t) => {
  const server = localhost(t)
  const ca = `ca-file = ${server.certFile}`
  const remote = await tlsRemote(t, server, `tls = yes server name = localhost ${ca} alpn = echo`, echo, {
    ALPNProtocols: ['echo'],
  })
  const relay = await relayTo(remote).with('access log = stderr').start(t)
  const client = await relay.connect()
  assert.equal(await client.exchange('hello'), 'hello')
  assert.equal([...remote.sockets][0]?.servername, 'localhost')
  await client.endWriting()
  assert.equal(await client.readToEnd(), '')
  await client.close()
  await relay.logged(
    / remote_tls=TLSv1\.3 remote_cipher=\S+ remote_sni=localhost remote_alpn=echo .* end=done/,
  )
})

test('with TLS on both sides the session with the remote is resumed', async (t) => {
  const server = localhost(t)
  const words = `tls = yes server name = localhost ca-file = ${server.certFile}`
  const remote = await tlsRemote(t, server, words, echo)
  const relay = await relayTo(remote)
    .with(servedWith(localhost(t)), 'access log = stderr')
    .listeningOn('address = 127.0.0.1 port = 0 tls = yes')
    .start(t)
  for (const resumed of ['no', 'yes']) {
    const client = await connectTls(t, relay.port())
    assert.equal(await client.exchange('hello'), 'hello')
    await client.endWriting()
    assert.equal(await client.readToEnd(), '')
    await client.close()
    await relay.logged(new RegExp(`remote_resumed=${resumed} `))
  }
})

test('a remote that fails verification is down, and clients go to another one', async (t) => {
  const good = await remoteThat(echoes).start(t)
  const named = (name: string) => identityFiles(t, makeIdentity({ name, alternativeNames: [name] }))
  const wrong = named('else.example')
  const unknown = named('localhost')
  const expired = identityFiles(
    t,
    makeIdentity({ name: 'localhost', alternativeNames: ['localhost'], fromDays: -9, toDays: -1 }),
  )
  for (const [server, caFile, why] of [
    [wrong, wrong.certFile, /TLS: certificate verify failed \(hostname mismatch\)/i],
    [unknown, wrong.certFile, /TLS: certificate verify failed \(self-signed certificate\)/i],
    [expired, expired.certFile, /TLS: certificate verify failed \(certificate has expired\)/i],
  ] as const) {
    const words = `tls = yes server name = localhost ca-file = ${caFile} weight = 9`
    const bad = await tlsRemote(t, server, words, echo)
    const relay = await relayTo(bad, good).start(t)
    const client = await relay.connect()
    assert.equal(await client.exchange('hello'), 'hello')
    await client.close()
    await relay.logged(new RegExp(`remote 127.0.0.1:${bad.port} is down: ${why.source}`, 'i'))
  }
})

test('verify = no accepts any certificate of the remote', async (t) => {
  const remote = await tlsRemote(t, localhost(t), 'tls = yes verify = no', echo)
  const relay = await relayTo(remote).start(t)
  const client = await relay.connect()
  assert.equal(await client.exchange('hello'), 'hello')
  await client.close()
})

test('a certificate is presented to a remote that asks for one', async (t) => {
  const authority = makeIdentity({ name: 'authority', isAuthority: true })
  const own = identityFiles(t, makeIdentity({ name: 'the relay', issuer: authority }))
  const server = localhost(t)
  const words = `tls = yes server name = localhost ca-file = ${server.certFile}`
  const shown = `cert-file = ${own.certFile} key-file = ${own.keyFile}`
  const remote = await tlsRemote(
    t,
    server,
    `${words} ${shown}`,
    (socket) => {
      // Node's server sends no close_notify if it ends before its tickets have left.
      socket.once('data', () => socket.end(String(socket.getPeerCertificate().subject.CN)))
    },
    { requestCert: true, rejectUnauthorized: true, ca: [authority.pem] },
  )
  const relay = await relayTo(remote).start(t)
  const client = await relay.connect()
  await client.send('who am I?')
  assert.equal(await client.readToEnd(), 'the relay')
  await client.close()
})

test('a remote without TLS is down, with the reason', async (t) => {
  const plain = await remoteThat((socket) => void socket.end('220 welcome\r\n')).start(t)
  const relay = await relayTo(plain.with('tls = yes verify = no')).with('dial retries = 0').start(t)
  const client = await relay.connect()
  assert.equal(await client.ending(), 'ECONNRESET')
  await relay.logged(/is down: TLS: wrong version number/)
})

test('a remote that never answers the handshake is given up in time', async (t) => {
  const silent = await remoteThat((socket) => void socket.resume()).start(t)
  const good = await remoteThat(echoes).start(t)
  const relay = await relayTo(silent.with('tls = yes verify = no weight = 9'), good)
    .with('tls handshake timeout = 1')
    .start(t)
  const client = await relay.connect()
  assert.equal(await client.exchange('hello'), 'hello')
  await client.close()
  await relay.logged(/is down: .*timed out/)
})

test('unreadable certificates are reported with place and reason', async (t) => {
  const { startTcprelay } = await import('../harness/program.js')
  const server = localhost(t)
  const other = localhost(t)
  const remote = await remoteThat(echoes).start(t)
  for (const [cert, key, why] of [
    ['/nonexistent/cert.pem', server.keyFile, /no such file or directory/],
    [server.certFile, other.keyFile, /does not (match|belong)/],
    [fileWith(t, 'rubbish'), server.keyFile, /certificate/],
  ] as const) {
    const plan = relayTo(remote)
      .with(`tls cert-file = ${cert}`, `tls key-file = ${key}`)
      .listeningOn('address = 127.0.0.1 port = 0 tls = yes')
    const program = startTcprelay(t, ['-P', plan.file(t)])
    const { code } = await program.ended()
    assert.ok(code === 78 || code === 66, `${code}`)
    assert.match(program.stderr.text, why)
    assert.match(program.stderr.text, /relay\.cfg:\d+:\d+: /)
  }
})
