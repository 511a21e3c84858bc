import assert from 'node:assert/strict'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createSecureContext, TLSSocket } from 'node:tls'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { freeze } from '../harness/held.js'
import { MODES } from '../harness/modes.js'
import { relayTo, type Target } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { connectTls, fileWith, localhost, servedWith } from '../harness/tls.js'
import { until } from '../harness/until.js'
import { makeIdentity } from '../support/certificates.js'
import { v1Header, v2Header } from '../support/proxy-header.js'
import { type ReadHeader, readProxy, readTlvs } from '../support/read-proxy.js'

const SSL = 0x20
const LISTEN = 'address = 127.0.0.1 port = 0'

interface Seen {
  readonly header: ReadHeader
  /** How many bytes the first read of the server had behind the header. */
  readonly bytesBehind: number
}

/** A server that expects a header, and echoes what follows it. */
async function proxiedRemote(t: TestContext, follow: (socket: Socket) => void = echoes) {
  const seen: Seen[] = []
  const remote = await remoteThat((socket) => {
    socket.once('data', (bytes: Buffer) => {
      socket.pause()
      const header = readProxy(bytes)
      const rest = bytes.subarray(header.headerBytes)
      seen.push({ header, bytesBehind: rest.length })
      if (rest.length > 0) socket.unshift(rest)
      follow(socket)
    })
  }).start(t)
  const header = async (nth = 0): Promise<ReadHeader> => {
    await until('a header', () => seen.length > nth)
    return (seen[nth] as Seen).header
  }
  return { remote, seen, header, with: (more: string): Target => remote.with(more) }
}

const portOf = (client: Client) => (client.socket.address() as AddressInfo).port

/** Ends of the connection as the client has them. */
const endsOf = (client: Client, port: number) => ({
  source: '127.0.0.1',
  sourcePort: portOf(client),
  destination: '127.0.0.1',
  destinationPort: port,
})

for (const mode of MODES) {
  for (const version of ['v1', 'v2']) {
    test(`a remote gets the addresses of each client, ${version}, ${mode.name}`, async (t) => {
      const server = await proxiedRemote(t)
      const plan = relayTo(server.remote).with(`send proxy = ${version}`, 'access log = stderr')
      const relay = await mode.start(t, plan)
      for (let i = 0; i < 3; i++) {
        const client = await Client.connect(t, { port: relay.port() })
        const port = portOf(client)
        assert.equal(await client.exchange('hello'), 'hello')
        assert.deepEqual(
          { ...(await server.header(i)), tlvs: 0, headerBytes: 0 },
          { protocol: 'TCP4', ...endsOf(client, relay.port()), tlvs: 0, headerBytes: 0 },
        )
        await client.endWriting()
        assert.equal(await client.readToEnd(), '')
        await relay.logged(new RegExp(`client=127.0.0.1:${port} .* to_remote=5 to_client=5 .*end=done`))
      }
    })
  }
}

/** Version 1 has IPv6 addresses with all of their zeros. */
function shortest(host: string): string {
  return host.includes(':') ? new URL(`http://[${host}]`).hostname.slice(1, -1) : host
}

test('in a chain, the header of the client goes on with both addresses', async (t) => {
  const before = [
    v1Header({ source: '198.51.100.9', port: 7 }),
    v2Header({ family: 0x21, source: [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], port: 7 }),
  ]
  const after = [
    {
      protocol: 'TCP4',
      source: '198.51.100.9',
      sourcePort: 7,
      destination: '192.0.2.1',
      destinationPort: 443,
    },
    {
      protocol: 'TCP6',
      source: '2001:db8::9',
      sourcePort: 7,
      destination: Array(8).fill('101').join(':'),
      destinationPort: 443,
    },
  ]
  for (const version of ['v1', 'v2']) {
    const server = await proxiedRemote(t)
    const listener = `${LISTEN} proxy protocol = yes proxy from = 127.0.0.0/8`
    const relay = await relayTo(server.with(`send proxy = ${version}`))
      .listeningOn(listener)
      .start(t)
    for (const [i, header] of before.entries()) {
      const client = await relay.connect()
      await client.send(Buffer.concat([header, Buffer.from('hello')]))
      assert.equal(await client.read(5), 'hello')
      const {
        destination,
        headerBytes: _headerBytes,
        source,
        tlvs: _tlvs,
        ...others
      } = await server.header(i)
      const ends = { ...others, source: shortest(source), destination: shortest(destination) }
      assert.deepEqual(ends, after[i])
    }
  }
})

test('the first bytes of a client come with the header, and a silent client has one at once', async (t) => {
  const server = await proxiedRemote(t)
  const relay = await relayTo(server.with('send proxy = v1')).start(t)
  await freeze(relay.pid)
  const client = await relay.connect()
  await client.send('hello')
  relay.signal('SIGCONT')
  assert.equal(await client.read(5), 'hello')
  assert.equal(server.seen[0]?.bytesBehind, 5)
  const silent = await relay.connect()
  assert.equal((await server.header(1)).sourcePort, portOf(silent))
  assert.equal(server.seen[1]?.bytesBehind, 0)
})

test('a long first request and a bulk transfer follow the header unchanged', async (t) => {
  const server = await proxiedRemote(t)
  const relay = await relayTo(server.with('send proxy = v2')).start(t)
  await freeze(relay.pid)
  const client = await relay.connect()
  // More than the relay receives at once, so that the bytes behind the header do not all fit into the same send.
  const words = 'some words, again and again; '.repeat(100_000)
  const sent = client.send(words)
  relay.signal('SIGCONT')
  assert.ok((await client.read(words.length)) === words)
  await sent
})

test('a remote has its own version, or none, in a pool with another one', async (t) => {
  const servers = [await proxiedRemote(t), await proxiedRemote(t)] as const
  const plain = await remoteThat(echoes).start(t)
  const relay = await relayTo(
    servers[0].with('send proxy = v1'),
    plain.with('send proxy = no'),
    servers[1].remote,
  )
    .with('send proxy = v2', 'send proxy tlv = unique-id', 'balance = round-robin')
    .start(t)
  for (let i = 0; i < 3; i++) {
    const client = await relay.connect()
    assert.equal(await client.exchange('hello'), 'hello')
  }
  assert.equal((await servers[0].header()).headerBytes < 107, true)
  assert.deepEqual([...(await servers[1].header()).tlvs.keys()], [5])
  assert.equal(plain.acceptedCount, 1)
})

test('a remote that refuses is followed by another one, which gets the header anew', async (t) => {
  const server = await proxiedRemote(t)
  const gone = await remoteThat(echoes).start(t)
  await gone.stop()
  const relay = await relayTo(gone.with('weight = 9'), server.remote).with('send proxy = v1').start(t)
  const client = await relay.connect()
  assert.equal(await client.exchange('hello'), 'hello')
  assert.equal((await server.header()).sourcePort, portOf(client))
})

test('clients of a listener for both families are seen by their own addresses', async (t) => {
  const server = await proxiedRemote(t)
  const relay = await relayTo(server.remote)
    .with('send proxy = v1')
    .listeningOn('address = :: port = 0')
    .start(t)
  for (const [i, host, protocol] of [
    [0, '127.0.0.1', 'TCP4'],
    [1, '::1', 'TCP6'],
  ] as const) {
    const client = await relay.connect({ host })
    const { destination, destinationPort, source, sourcePort, ...header } = await server.header(i)
    assert.deepEqual([header.protocol, source, destination], [protocol, host, host])
    assert.deepEqual([sourcePort, destinationPort], [portOf(client), relay.port()])
  }
})

test('a client of a Unix socket is unknown at version 1, and at version 2 has the path of the listener', async (t) => {
  const path = join(temporaryFolder(t), 'listener')
  for (const [version, protocol, destination] of [
    ['v1', 'UNKNOWN', ''],
    ['v2', 'UNIX', path],
  ] as const) {
    const server = await proxiedRemote(t)
    const relay = await relayTo(server.remote)
      .with(`send proxy = ${version}`)
      .listeningOn(`path = ${path}`)
      .start(t)
    const client = await Client.connect(t, { path })
    assert.equal(await client.exchange('hello'), 'hello')
    const header = await server.header()
    assert.deepEqual([header.protocol, header.source, header.destination], [protocol, '', destination])
    await client.close()
    relay.signal('SIGTERM')
    await relay.ended()
  }
})

test('the header is sent before TLS towards the remote', async (t) => {
  const identity = localhost(t)
  const context = createSecureContext({ key: identity.identity.keyPem, cert: identity.identity.pem })
  const server = await proxiedRemote(t, (socket) => {
    const secure = new TLSSocket(socket, { isServer: true, secureContext: context })
    secure.on('error', () => {})
    secure.pipe(secure)
  })
  const words = `tls = yes server name = localhost ca-file = ${identity.certFile}`
  for (const version of ['v1', 'v2']) {
    const relay = await relayTo(server.with(`${words} send proxy = ${version}`)).start(t)
    const nth = server.seen.length
    await freeze(relay.pid)
    const client = await relay.connect()
    await client.send('hello')
    relay.signal('SIGCONT')
    assert.equal(await client.read(5), 'hello')
    assert.equal((await server.header(nth)).sourcePort, portOf(client))
  }
})

test('the header has what is known of the TLS of a client, and the id of the session', async (t) => {
  const server = await proxiedRemote(t)
  const authority = makeIdentity({ name: 'authority', isAuthority: true })
  const joe = makeIdentity({ name: 'joe', issuer: authority })
  const relay = await relayTo(server.with('send proxy = v2'))
    .with(
      servedWith(localhost(t)),
      `tls client-ca-file = ${fileWith(t, authority.pem)}`,
      'tls verify = request',
      'tls alpn = h2, http/1.1',
      'send proxy tlv = authority, alpn, ssl, unique-id, crc32c',
      'access log = stderr',
    )
    .listeningOn(`${LISTEN} tls = yes`)
    .start(t)
  const own = { key: joe.keyPem, cert: joe.pem }
  for (const [nth, options, bits, commonName] of [
    [0, {}, '0100000001', undefined],
    [1, own, '0700000000', 'joe'],
  ] as const) {
    const client = await connectTls(t, relay.port(), {
      servername: 'www.example.com',
      ALPNProtocols: ['http/1.1'],
      ...options,
    })
    assert.equal(await client.exchange('hello'), 'hello')
    const { tlvs } = await server.header(nth)
    assert.deepEqual([String(tlvs.get(1)), String(tlvs.get(2))], ['http/1.1', 'www.example.com'])
    const ssl = tlvs.get(SSL) as Buffer
    assert.equal(ssl.toString('hex', 0, 5), bits)
    const parts = readTlvs(ssl.subarray(5))
    assert.deepEqual(
      [String(parts.get(0x21)), String(parts.get(0x23)), parts.get(0x22)?.toString()],
      ['TLSv1.3', client.socket.getCipher().name, commonName],
    )
    assert.equal(tlvs.get(3)?.length, 4)
    await client.close()
    await relay.logged(new RegExp(`id=${String(tlvs.get(5))} `))
  }
})

test('the header has the server name of a client whose TLS is passed through', async (t) => {
  const identity = localhost(t)
  const context = createSecureContext({ key: identity.identity.keyPem, cert: identity.identity.pem })
  const server = await proxiedRemote(t, (socket) => {
    const secure = new TLSSocket(socket, { isServer: true, secureContext: context })
    secure.on('error', () => {})
    secure.pipe(secure)
  })
  const relay = await relayTo(server.with('send proxy = v2 send proxy tlv = authority, alpn, ssl'))
    .listeningOn(`${LISTEN} tls = pass`)
    .start(t)
  const client = await connectTls(t, relay.port(), { servername: 'www.example.com' })
  assert.equal(await client.exchange('hello'), 'hello')
  const { tlvs } = await server.header()
  assert.deepEqual([...tlvs.keys()], [2, SSL])
  assert.equal(String(tlvs.get(2)), 'www.example.com')
  assert.equal(tlvs.get(SSL)?.toString('hex'), '0000000001')
  assert.ok((server.seen[0]?.bytesBehind ?? 0) > 0, 'the ClientHello comes with the header')
})
