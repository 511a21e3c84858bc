import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect } from 'node:tls'
import { type Relay, relayTo } from '../harness/relay.js'
import { remoteThat, says } from '../harness/remote.js'
import { connectTls, localhost, tlsRemote } from '../harness/tls.js'

const PASS = 'address = 127.0.0.1 port = 0 tls = pass'

/** Clients that ask for this name are rejected; all others are accepted, also those without a name. */
const BANNED = 'banned.example'
const MODULE = [
  'mavis authorization = host',
  `mavis module = null { script in = { if ($VHOST == "${BANNED}") set $RESULT = "NAK" else set $RESULT = "ACK" return } }`,
]

const u16 = (value: number) => [(value >> 8) & 255, value & 255]
const u24 = (value: number) => [value >> 16, ...u16(value)]
const record = (version: number, body: readonly number[], type = 22) => [
  type,
  ...u16(version),
  ...u16(body.length),
  ...body,
]

/** A ClientHello for this name, with `fillerBytes` more. */
async function helloFor(servername: string, fillerBytes = 0): Promise<number[]> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', servername })
  socket.on('error', () => {})
  const [peer] = await accepted
  const [bytes] = (await once(peer, 'data')) as [Buffer]
  peer.destroy()
  socket.destroy()
  server.close()
  const message = [...bytes.subarray(5)]
  if (fillerBytes === 0) return message
  const at = (index: number) => message[index] as number
  let extensions = 4 + 2 + 32
  extensions += 1 + at(extensions)
  extensions += 2 + at(extensions) * 256 + at(extensions + 1)
  extensions += 1 + at(extensions)
  const more = [0x77, 0x77, ...u16(fillerBytes), ...Array(fillerBytes).fill(0)]
  const all = [...more, ...message.slice(extensions + 2)]
  const body = [...message.slice(4, extensions), ...u16(all.length), ...all]
  return [1, ...u24(body.length), ...body]
}

const inRecords = (message: readonly number[], size: number, version = 0x0301) => {
  const bytes: number[] = []
  for (let at = 0; at < message.length; at += size)
    bytes.push(...record(version, message.slice(at, at + size)))
  return bytes
}

/** The longest ClientHello that OpenSSL takes, with the most ciphers. */
function longest(message: readonly number[]): number[] {
  const body = message.slice(4)
  const sessionEnd = 2 + 32 + 1 + (body[34] as number)
  const ciphersBytes = (body[sessionEnd] as number) * 256 + (body[sessionEnd + 1] as number)
  const rest = body.slice(sessionEnd + 2 + ciphersBytes)
  const all = [...body.slice(0, sessionEnd), ...u16(65_534), ...Array(65_534).fill(1), ...rest]
  return [1, ...u24(all.length), ...all]
}

/** A relay that passes TLS through, to a server that greets every client. */
async function start(t: TestContext, ...lines: readonly string[]): Promise<Relay> {
  const remote = await remoteThat(says('let in')).start(t)
  return relayTo(remote)
    .with('access log = stderr', ...lines)
    .listeningOn(PASS)
    .start(t)
}

/** The end reason of a client that sends this, by the access log. */
async function endOf(relay: Relay, bytes: readonly number[], end: string, nth: number): Promise<void> {
  const client = await relay.connect()
  client.send(Uint8Array.from(bytes)).catch(() => {})
  await relay.logged(new RegExp(`end=${end}`), nth)
  await client.close()
}

test('tls = pass: the server name is found as OpenSSL finds it, whatever the records', async (t) => {
  const relay = await start(t, ...MODULE)
  const hello = await helloFor(BANNED)
  const filled = await helloFor(BANNED, 60_000)
  const ways = [
    inRecords(hello, 16_384),
    inRecords(hello, 1),
    inRecords(hello, 16_384, 0x0305),
    inRecords(hello, 100, 0x03ff),
    [...record(0x0301, []), ...inRecords(hello, 16_384)],
    inRecords(await helloFor(BANNED, 17_000), 16_384),
    inRecords(filled, 16_384),
    inRecords(longest(filled), 16_384),
    inRecords(longest(filled), 500),
  ]
  for (const [i, bytes] of ways.entries()) await endOf(relay, bytes, 'mavis-denied', i + 1)
  assert.equal(relay.program.stderr.matching(/to_remote=[1-9]/).length, 0)
})

test('tls = pass: unreadable TLS is rejected, counted and logged, never accepted without a name', async (t) => {
  const relay = await start(t, ...MODULE, 'tls handshake timeout = 1')
  const hello = await helloFor(BANNED)
  const ways = [
    [...record(0x0301, [], 20), ...record(0x0301, hello)],
    [
      ...record(0x0301, hello.slice(0, 50)),
      ...record(0x0301, [1, 90], 21),
      ...record(0x0301, hello.slice(50)),
    ],
    [...record(0x0301, hello.slice(0, 50)), ...record(0x0201, hello.slice(50))],
    inRecords(await helloFor(BANNED, 60_000), 20),
    // Half of it, and no more.
    record(0x0301, hello).slice(0, 50),
    [22],
  ]
  for (const [i, bytes] of ways.entries()) await endOf(relay, bytes, 'bad-greeting', i + 1)
  await relay.logged(/TLS with 127\.0\.0\.1:\d+ failed: the first message is not a ClientHello/)
  await relay.logged(
    /TLS with 127\.0\.0\.1:\d+ failed: ClientHello incomplete after \d+ s \(\d similar suppressed\)/,
  )
  const ended = await relay.connect()
  await ended.send(Uint8Array.from(record(0x0301, hello).slice(0, 50)))
  await ended.endWriting()
  await relay.logged(/end=bad-greeting/, ways.length + 1)
  await ended.close()
  assert.equal(relay.program.stderr.matching(/to_remote=[1-9]/).length, 0)
})

test('tls = pass: a silent client that was accepted without a name cannot begin TLS later', async (t) => {
  const relay = await start(t, ...MODULE, 'tls detect timeout = 1')
  const late = await relay.connect()
  assert.equal(await late.read(6), 'let in')
  await late.send(Uint8Array.from(record(0x0301, await helloFor(BANNED))))
  await relay.logged(/to_remote=0 .*end=bad-greeting/)
  await late.close()
  const plain = await relay.connect()
  assert.equal(await plain.read(6), 'let in')
  await plain.send('EHLO example')
  await plain.close()
  await relay.logged(/to_remote=12 /)
})

test('tls = pass: unusual records that OpenSSL takes are passed through', async (t) => {
  const remote = await tlsRemote(t, localhost(t), '', (socket) => void socket.pipe(socket))
  const relay = await relayTo(remote).with('access log = stderr').listeningOn(PASS).start(t)
  const hello = await helloFor('localhost', 60_000)
  const client = await relay.connect()
  await client.send(Uint8Array.from([...record(0x0303, []), ...inRecords(hello, 16_384, 0x0305)]))
  // The server's hello: a handshake record.
  assert.equal((await client.read(1)).charCodeAt(0), 22)
  client.socket.resetAndDestroy()
  await relay.logged(/ tls=passed sni=localhost /)
  await client.close()
  const usual = await connectTls(t, relay.port(), { servername: 'usual.example' })
  assert.equal(await usual.exchange('hello'), 'hello')
  await usual.close()
})
