import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect as connectPlain } from 'node:net'
import { after, type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { afterwards } from '../../test/harness/clean-up.js'
import { Chance } from '../../test/simulation/chance.js'
import { makeIdentity } from '../../test/support/certificates.js'
import { calls, waitWritable } from '../../test/support/sockets.js'
import { EchoServer } from '../../test/support/tls-echo.js'
import { authority, client, localhost, scratch, server } from '../../test/support/tls-pair.js'
import { AF_INET, SOCK_STREAM } from '../kernel/constants.js'
import { mapPrivate } from '../kernel/memory.js'
import { encodeAddress } from '../kernel/sockaddr.js'
import { channelsAlive, type TlsChannel } from './channel.js'
import type { ServerTlsOptions, TlsVersion } from './options.js'
import { END, MORE, PROTOCOL_ERROR, TRUNCATED, WANT_READ, WANT_WRITE } from './outcomes.js'
import { TicketKeys } from './ticket-keys.js'

const VERSIONS: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3']
const TRANSFER_BYTES = 4 << 20

after(() => assert.equal(channelsAlive(), 0, 'channels are left'))

function echoServer(t: TestContext, options: Partial<ServerTlsOptions> = {}): EchoServer {
  const echo = new EchoServer(server(options))
  afterwards(t, () => echo.close())
  return echo
}

async function nodeClient(
  t: TestContext,
  port: number,
  options: ConnectionOptions = {},
  onSession: (session: Buffer) => void = () => {},
): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: authority.pem, ...options })
  afterwards(t, () => void socket.destroy())
  socket.on('session', onSession)
  await once(socket, 'secureConnect')
  return socket
}

for (const version of VERSIONS) {
  test(`${version}: echoes all bytes and the end to a client of Node`, async (t) => {
    const echo = echoServer(t, { versions: [version], alpn: ['echo'] })
    const socket = await nodeClient(t, echo.port, { ALPNProtocols: ['echo', 'x'] })
    const chance = new Chance(version.length)
    const data = randomBytes(TRANSFER_BYTES)
    const received = createHash('sha256')
    socket.on('data', (bytes: Buffer) => received.update(bytes))
    for (let at = 0; at < data.length; ) {
      const size = chance.is(0.2) ? chance.between(1, 100) : chance.between(1, 200_000)
      if (!socket.write(data.subarray(at, at + size))) await once(socket, 'drain')
      at += size
    }
    socket.end()
    await once(socket, 'end')
    assert.equal(received.digest('hex'), createHash('sha256').update(data).digest('hex'))
    const { facts, bytes, outcome } = await echo.ending()
    assert.deepEqual([bytes, outcome], [TRANSFER_BYTES, END])
    assert.equal(facts?.version, version)
    assert.equal(facts.alpn, 'echo')
    assert.equal(facts.serverName, 'localhost')
    assert.match(facts.cipher, version === 'TLSv1.3' ? /^TLS_/ : /^ECDHE-/)
  })

  test(`${version}: resumes sessions of Node's clients`, async (t) => {
    const tickets = new TicketKeys()
    tickets.set([{ name: randomBytes(16), hmac: randomBytes(32), aes: randomBytes(32) }])
    const echo = echoServer(t, { versions: [version], tickets })
    let session: Buffer | undefined
    const reused: boolean[] = []
    for (let i = 0; i < 3; i++) {
      const given = session === undefined ? {} : { session }
      const socket = await nodeClient(t, echo.port, given, (newer) => {
        session = newer
      })
      socket.write('x')
      await once(socket, 'data')
      reused.push(socket.isSessionReused())
      socket.end()
      assert.equal((await echo.ending()).facts?.isResumed, i > 0)
    }
    assert.deepEqual(reused, [false, true, true])
  })

  test(`${version}: staples an OCSP response on request, and replaces it`, async (t) => {
    const [staple, newer] = [randomBytes(500), randomBytes(2_000)]
    const context = server({
      certificates: [{ chain: localhost.pem, key: localhost.keyPem, staple }],
      versions: [version],
    })
    const echo = new EchoServer(context)
    afterwards(t, () => echo.close())
    const ask = async () => {
      const socket = connect({
        port: echo.port,
        ca: authority.pem,
        servername: 'localhost',
        requestOCSP: true,
      } as ConnectionOptions)
      const [response] = await once(socket, 'OCSPResponse')
      socket.destroy()
      return response as Buffer | null
    }
    assert.deepEqual(await ask(), staple)
    context.setStaple(0, newer)
    assert.deepEqual(await ask(), newer)
    context.setStaple(0, undefined)
    assert.equal((await ask())?.length ?? 0, 0)
    const socket = await nodeClient(t, echo.port)
    socket.end()
  })
}

test('rejects renegotiation without affecting other connections', async (t) => {
  const echo = echoServer(t, { versions: ['TLSv1.2'] })
  const socket = await nodeClient(t, echo.port)
  socket.on('error', () => {})
  socket.renegotiate({}, () => {})
  const { outcome, reason } = await echo.ending()
  // The client closes on the warning alert, which RFC 5246, section 7.2.2 permits.
  assert.ok(outcome === PROTOCOL_ERROR || outcome === TRUNCATED || outcome === END || outcome < 0, reason)
  const again = await nodeClient(t, echo.port)
  again.write('x')
  assert.equal(String(await once(again, 'data')), 'x')
})

test('pre-shared keys with and without a certificate', async (t) => {
  const key = randomBytes(32)
  const psk = new Map([['joe', key]])
  for (const certificates of [[], [{ chain: localhost.pem, key: localhost.keyPem }]]) {
    const echo = echoServer(t, { certificates, psk, versions: ['TLSv1.2'] })
    const attempt = (psk: Buffer, identity: string): TLSSocket => {
      const ciphers = 'PSK+AES'
      const checkServerIdentity = () => undefined
      const socket = connect({
        port: echo.port,
        ciphers,
        checkServerIdentity,
        pskCallback: () => ({ psk, identity }),
      })
      afterwards(t, () => void socket.destroy())
      return socket
    }
    const good = attempt(key, 'joe')
    await once(good, 'secureConnect')
    good.end()
    assert.equal((await echo.ending()).facts?.pskIdentity, 'joe')
    for (const [wrong, identity] of [
      [key, 'jim'],
      [randomBytes(32), 'joe'],
    ] as const) {
      const [error] = await once(attempt(wrong, identity), 'error')
      assert.match(String(error), /alert|unknown psk identity|decrypt/i)
      assert.equal((await echo.ending()).outcome, PROTOCOL_ERROR)
    }
  }
})

test('a client that disconnects without close_notify is TRUNCATED', async (t) => {
  const echo = echoServer(t)
  const raw = connectPlain(echo.port, '127.0.0.1')
  afterwards(t, () => void raw.destroy())
  const socket = connect({ socket: raw, ca: authority.pem, servername: 'localhost' })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  socket.write('x')
  await once(socket, 'data')
  raw.end()
  assert.equal((await echo.ending()).outcome, TRUNCATED)
})

async function nodeServer(
  t: TestContext,
  options: TlsOptions,
): Promise<{ port: number; first: Promise<TLSSocket> }> {
  const listening = createServer({ key: localhost.keyPem, cert: localhost.pem, ...options })
  const first = once(listening, 'secureConnection').then(([socket]) => socket as TLSSocket)
  listening.on('secureConnection', (socket: TLSSocket) => socket.on('error', () => {}).pipe(socket))
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  afterwards(t, () => new Promise<void>((resolve) => listening.close(() => resolve())))
  return { port: (listening.address() as AddressInfo).port, first }
}

function connectTo(port: number): number {
  const region = mapPrivate(128)
  const bytes = encodeAddress({ family: 'ipv4', host: '127.0.0.1', port })
  region.bytes.set(bytes)
  const fd = calls.socket(AF_INET, SOCK_STREAM, 0)
  calls.connect(fd, region, bytes.length)
  waitWritable(fd)
  return fd
}

/** Repeats the step, yielding to Node's event loop, until it does not wait for the socket any more. */
async function until(step: () => number): Promise<number> {
  for (;;) {
    const outcome = step()
    if (outcome !== WANT_READ && outcome !== WANT_WRITE && outcome !== MORE) return outcome
    await new Promise((resolve) => setImmediate(resolve))
  }
}

for (const version of VERSIONS) {
  test(`${version}: a server of Node echoes all bytes and the end`, async (t) => {
    const joe = makeIdentity({ name: 'joe', issuer: authority })
    const { port, first } = await nodeServer(t, {
      minVersion: version,
      maxVersion: version,
      requestCert: true,
      ca: authority.pem,
      ALPNProtocols: ['echo'],
    })
    const to = client({ certificate: { chain: joe.pem, key: joe.keyPem }, alpn: ['x', 'echo'] })
    const fd = connectTo(port)
    const channel = to.connect(fd)
    assert.ok(channel)
    assert.equal(await until(() => channel.handshake()), 0, channel.reason)
    assert.equal((await first).getPeerCertificate().subject.CN, 'joe')
    assert.equal((await first).authorized, true)
    const { alpn, peer } = channel.facts()
    assert.deepEqual([alpn, peer?.alternativeNames], ['echo', ['DNS:localhost']])
    await transfer(channel)
    assert.equal(channel.closeNotify(), 0)
    assert.equal(await until(() => channel.read(scratch, 0, 100)), END)
    channel.free()
    calls.close(fd)
    to.retire()
  })
}

/** Sends bytes and reads them back. */
async function transfer(channel: TlsChannel): Promise<void> {
  const [source, sink] = [mapPrivate(TRANSFER_BYTES), mapPrivate(TRANSFER_BYTES)]
  randomBytes(TRANSFER_BYTES).copy(source.bytes)
  let [sent, received] = [0, 0]
  while (received < TRANSFER_BYTES) {
    const took = channel.write(source, sent, Math.min(100_000, TRANSFER_BYTES - sent))
    assert.ok(took >= 0 || took === WANT_WRITE, channel.reason)
    sent += Math.max(0, took)
    const got = channel.read(sink, received, TRANSFER_BYTES - received)
    assert.ok(got > 0 || got === WANT_READ || got === MORE, `${got} ${channel.reason}`)
    received += Math.max(0, got)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(Buffer.from(sink.bytes).equals(source.bytes))
}
