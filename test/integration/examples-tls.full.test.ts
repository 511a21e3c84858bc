/** Each file of examples/ with TLS serves the case that its comment describes. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { clientHello } from '../harness/client-hello.js'
import { startExample } from '../harness/example.js'
import { NameServer } from '../harness/name-server.js'
import { Names } from '../harness/names.js'
import { rawPeers } from '../harness/peers.js'
import type { Relay, Target } from '../harness/relay.js'
import { echoes, greets, remoteThat, says } from '../harness/remote.js'
import { connectTls, fileWith, identityFiles, localhost, tlsRemote } from '../harness/tls.js'
import { type Identity, makeIdentity } from '../support/certificates.js'

const ANY_PORT = 'address = 127.0.0.1 port = 0'

/** The files of an example's certificate, which is in `folder`. */
function certificate(t: TestContext, identity: Identity, folder = '/etc/tcprelay') {
  const { certFile, keyFile } = identityFiles(t, identity)
  return { [`${folder}/fullchain.pem`]: certFile, [`${folder}/privkey.pem`]: keyFile }
}

const site = (name: string, issuer?: Identity): Identity =>
  makeIdentity({ name, alternativeNames: [name], ...(issuer && { issuer }) })

/** CONNECT of MQTT 3.1.1 with the client identifier `d1`, and the broker's CONNACK. */
const CONNECT = Buffer.from('100e00044d5154540402003c00026431', 'hex')
const CONNACK = Buffer.from('20020000', 'hex')

/** A broker that accepts every client. */
const broker = remoteThat((socket) => {
  socket.on('data', () => socket.write(CONNACK)).on('end', () => socket.end())
})

test('tls-termination.cfg: clients get the full chain, the server gets plain bytes, nothing is logged', async (t) => {
  const authority = makeIdentity({ name: 'root', isAuthority: true })
  const intermediate = makeIdentity({ name: 'intermediate', isAuthority: true, issuer: authority })
  const own = site('relay.example.com', intermediate)
  const chained = { ...own, pem: Buffer.concat([own.pem, intermediate.pem]) }
  const remote = await remoteThat(greets('plain')).start(t)
  const relay = await startExample(t, 'tls-termination.cfg', {
    'port = 9989 tls': `${ANY_PORT} tls`,
    'address = 192.0.2.10 port = 9989': remote.directive,
    ...certificate(t, chained),
  })
  // Without the intermediate certificate the client could not verify.
  const client = await connectTls(t, relay.port(), {
    servername: 'relay.example.com',
    ca: authority.pem,
    rejectUnauthorized: true,
  })
  assert.equal(await client.read(5), 'plain')
  assert.equal(await client.exchange('hello'), 'hello')
  await client.endWriting()
  assert.equal(await client.readToEnd(), '')
  await client.close()
  await relay.isIdle()
  assert.deepEqual(relay.program.stderr.matching(/ client=| end=/), [])
})

test('passthrough.cfg: the server keeps its certificate, the log shows the name, attempts take a second', async (t) => {
  const identity = site('www.example.com')
  const remote = await tlsRemote(t, { identity }, '', (socket) => void socket.pipe(socket))
  const relay = await passingTo(t, remote)
  const options = { servername: 'www.example.com', ca: identity.pem, rejectUnauthorized: true }
  const client = await connectTls(t, relay.port(), options)
  assert.equal(await client.exchange('end to end'), 'end to end')
  await client.close()
  await relay.logged(/ tls=passed sni=www\.example\.com /)
  const peers = rawPeers(t)
  if (peers === undefined) return
  const silent = await passingTo(t, await peers.blackhole())
  const waiting = await silent.connect()
  await waiting.send(await clientHello({ servername: 'www.example.com' }))
  // Below the default of ten seconds.
  await silent.logged(/remote .* is down: .*timed out/, 1, 9_000)
  await waiting.close()
})

function passingTo(t: TestContext, { directive }: Target): Promise<Relay> {
  return startExample(t, 'passthrough.cfg', {
    'port = 443 tls = pass': `${ANY_PORT} tls = pass`,
    'address = 192.0.2.10 port = 443': directive,
    'access log = syslog': 'access log = stderr',
  })
}

test('egress-by-name.cfg: clients reach hosts on the list, end to end, and no others', async (t) => {
  const names = await NameServer.start(t)
  names.set('www.example.com', { addresses: ['127.0.0.1'] })
  names.set('inside.example.com', { addresses: ['10.0.0.1'] })
  names.set('www.example.org', { addresses: ['127.0.0.1'] })
  const identity = site('www.example.com')
  const host = await tlsRemote(t, { identity }, '', (socket) => void socket.pipe(socket))
  const changes = {
    'port = 443 tls = pass': `${ANY_PORT} tls = pass`,
    'dynamic port = 443': `dynamic port = ${host.port} dynamic addresses = 127.0.0.0/8`,
    'access log = syslog': 'access log = stderr',
  }
  const relay = await startExample(t, 'egress-by-name.cfg', changes, { env: names.environment })
  const options = { servername: 'www.example.com', ca: identity.pem, rejectUnauthorized: true }
  const client = await connectTls(t, relay.port(), options)
  assert.equal(await client.exchange('end to end'), 'end to end')
  await client.close()
  await relay.logged(new RegExp(` remote=www.example.com:${host.port} `))
  for (const [servername, end] of [
    ['www.example.org', 'end=name-not-allowed reason=www.example.org'],
    ['inside.example.com', 'end=address-not-allowed reason=inside.example.com:_10.0.0.1'],
  ] as const) {
    const refused = await relay.connect()
    await refused.send(await clientHello({ servername }))
    assert.equal(await refused.ending(), 'ECONNRESET')
    await refused.close()
    await relay.logged(new RegExp(`${end}$`))
  }
})

test('ssh-beside-https.cfg: one name is terminated, other names are refused, SSH goes to its server', async (t) => {
  const web = await remoteThat(echoes).start(t)
  const ssh = await remoteThat(greets('SSH-2.0-here\r\n')).start(t)
  const identity = site('www.example.com')
  const relay = await startExample(t, 'ssh-beside-https.cfg', {
    'port = 443 tls = auto': `${ANY_PORT} tls = auto`,
    'address = 192.0.2.10 port = 80': web.directive,
    'address = 192.0.2.11 port = 22': ssh.directive,
    ...certificate(t, identity, '/etc/tcprelay/www.example.com'),
  })
  const options = { servername: 'www.example.com', ca: identity.pem, rejectUnauthorized: true }
  const browser = await connectTls(t, relay.port(), options)
  assert.equal(await browser.exchange('GET / HTTP/1.1\r\n\r\n'), 'GET / HTTP/1.1\r\n\r\n')
  const other = await connectTls(t, relay.port(), { servername: 'other.example.com' })
  assert.match(await other.ending(), /UNRECOGNIZED_NAME/)
  const unnamed = await connectTls(t, relay.port(), { servername: '' })
  assert.equal(await unnamed.readToEnd(), '')
  const [talking, silent] = [await relay.connect(), await relay.connect()]
  await talking.send('SSH-2.0-OpenSSH_9.2\r\n')
  assert.equal(await talking.read(14), 'SSH-2.0-here\r\n')
  assert.equal(await silent.read(14), 'SSH-2.0-here\r\n')
  for (const client of [browser, other, unnamed, talking, silent]) await client.close()
})

test('mqtt.cfg: plain and TLS clients of both families reach the broker', async (t) => {
  const remote = await broker.start(t)
  const identity = site('broker.example.com')
  const relay = await startExample(
    t,
    'mqtt.cfg',
    {
      'listen = { port = 1883 }': 'listen = { port = 0 }',
      'port = 8883': 'port = 0',
      'address = 192.0.2.10 port = 1883': remote.directive,
      ...certificate(t, identity),
    },
    { sockets: 2 },
  )
  for (const host of ['127.0.0.1', '::1']) {
    const plain = await relay.connect({ host })
    await plain.send(CONNECT)
    assert.equal(await plain.read(4), CONNACK.toString('latin1'))
    await plain.close()
    const options = { host, port: relay.port(1), servername: 'broker.example.com', ca: identity.pem }
    const secure = await connectTls(t, relay.port(1), { ...options, rejectUnauthorized: true })
    await secure.send(CONNECT)
    assert.equal(await secure.read(4), CONNACK.toString('latin1'))
    await secure.close()
  }
})

test('mqtt-mtls.cfg: only clients with a certificate of the authority reach the broker', async (t) => {
  const remote = await broker.start(t)
  const devices = makeIdentity({ name: 'devices', isAuthority: true })
  const relay = await startExample(t, 'mqtt-mtls.cfg', {
    'port = 8883 tls': `${ANY_PORT} tls`,
    'address = 192.0.2.10 port = 1883': remote.directive,
    'access log = syslog': 'access log = stderr',
    '/etc/tcprelay/devices-ca.pem': fileWith(t, devices.pem),
    ...certificate(t, site('broker.example.com')),
  })
  const presented = ({ pem, keyPem }: Identity) => connectTls(t, relay.port(), { cert: pem, key: keyPem })
  const device = await presented(makeIdentity({ name: 'device-1', issuer: devices }))
  await device.send(CONNECT)
  assert.equal(await device.read(4), CONNACK.toString('latin1'))
  await device.close()
  await relay.logged(/ subject=CN=device-1 /)
  const stranger = await presented(makeIdentity({ name: 'device-1' }))
  assert.match(await stranger.ending(), /ALERT/)
  const nobody = await connectTls(t, relay.port())
  assert.match(await nobody.ending(), /CERTIFICATE_REQUIRED/)
  assert.equal(remote.acceptedCount, 1)
  for (const client of [stranger, nobody]) await client.close()
})

test('two-tls-ports.cfg: each port has its certificate and its server', async (t) => {
  const [ledger, web] = [await remoteThat(says('ledger')).start(t), await remoteThat(says('web')).start(t)]
  const [ofLedger, ofWeb] = [site('ledger.example.com'), site('www.example.com')]
  const relay = await startExample(
    t,
    'two-tls-ports.cfg',
    {
      'address = 192.0.2.1 port = 9933': ANY_PORT,
      'port = 443': 'port = 0',
      'address = 192.0.2.10 port = 9932': ledger.directive,
      'address = 192.0.2.11 port = 80': web.directive,
      ...certificate(t, ofLedger, '/etc/tcprelay/ledger'),
      ...certificate(t, ofWeb, '/etc/tcprelay/web'),
    },
    { sockets: 2 },
  )
  const cases = [
    [relay.port(0), ofLedger, 'ledger'],
    [relay.port(1), ofWeb, 'web'],
  ] as const
  for (const [port, { name, pem }, answer] of cases) {
    const client = await connectTls(t, port, { servername: name, ca: pem, rejectUnauthorized: true })
    assert.equal(await client.readToEnd(), answer)
    await client.close()
  }
})

test('redis-tls-client.cfg: a plain client reaches a server with TLS and any certificate', async (t) => {
  const remote = await tlsRemote(t, localhost(t), '', (socket) => {
    socket.on('data', (bytes) => socket.write(`${bytes}` === 'PING\r\n' ? '+PONG\r\n' : '-ERR\r\n'))
    socket.on('end', () => socket.end())
  })
  const names = new Names(t, { addresses: ['127.0.0.1'], afterMs: 0 })
  const relay = await startExample(
    t,
    'redis-tls-client.cfg',
    {
      'port = 6380': 'port = 0',
      'address = redis.example.com port = 6379': `address = redis.test port = ${remote.port}`,
    },
    { env: names.environment },
  )
  const client = await relay.connect()
  await client.send('PING\r\n')
  assert.equal(await client.read(7), '+PONG\r\n')
  const [session] = remote.sockets
  assert.equal(session?.encrypted, true)
  await client.close()
})

test('websocket-tls.cfg: a WebSocket is upgraded and stays open in both directions', async (t) => {
  const upgraded = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
  const remote = await remoteThat((socket) => {
    socket.once('data', () => {
      socket.write(upgraded)
      socket.pipe(socket)
    })
  }).start(t)
  const identity = site('ws.example.com')
  const names = new Names(t, { addresses: ['127.0.0.1'], afterMs: 0 })
  const relay = await startExample(
    t,
    'websocket-tls.cfg',
    {
      'listen = { port = 8080': `listen = { ${ANY_PORT}`,
      'address = backend.example.com port = 8080': `address = backend.test port = ${remote.port}`,
      ...certificate(t, identity),
    },
    { env: names.environment },
  )
  const client = await upgrade(t, relay, identity)
  assert.equal(await client.read(upgraded.length), upgraded)
  // A masked text frame (RFC 6455, 5.7).
  const frame = Buffer.from('818537fa213d7f9f4d5158', 'hex')
  await client.send(frame)
  assert.equal(await client.read(frame.length), frame.toString('latin1'))
  await client.close()
})

async function upgrade(t: TestContext, relay: Relay, identity: Identity) {
  const options = { servername: 'ws.example.com', ca: identity.pem, rejectUnauthorized: true }
  const client = await connectTls(t, relay.port(), options)
  await client.send('GET /chat HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
  return client
}
