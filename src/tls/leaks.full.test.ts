import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { makeIdentity } from '../../test/support/certificates.js'
import { calls, drainDry, unixPair } from '../../test/support/sockets.js'
import {
  authority,
  type ChannelPair,
  channels,
  client,
  localhost,
  readText,
  runHandshake,
  scratch,
  server,
  writeText,
} from '../../test/support/tls-pair.js'
import { channelsAlive } from './channel.js'
import type { ClientContext } from './client-context.js'
import { WANT_READ } from './outcomes.js'
import type { ServerContext } from './server-context.js'
import { TicketKeys } from './ticket-keys.js'

const HANDSHAKES = 10_000

/** Warm-up: OpenSSL, the allocator and V8 keep some memory for good. */
const WARM_UP = 3_000

/** An SSL object has 4 KB, a certificate 1.5 KB: a leak in every tenth handshake is detected. */
const BYTES_EACH_MAX = 150

/** The socket used by all handshakes, one after the other. */
const fds = unixPair()

test('contexts and channels leak no native memory', () => {
  const tickets = new TicketKeys()
  tickets.set([{ name: randomBytes(16), hmac: randomBytes(32), aes: randomBytes(32) }])
  const fds = unixPair()
  const psk = new Map([['joe', randomBytes(32)]])
  const certificates = [{ chain: localhost.pem, key: localhost.keyPem, staple: randomBytes(100) }]
  const clientCertificates = { verify: 'request', authorities: authority.pem } as const
  const contexts = grownBy(500, () =>
    server({ certificates, clientCertificates, alpn: ['h2'], psk }).retire(),
  )
  const [from, to] = [server({ certificates, tickets }), client()]
  const connections = grownBy(1_000, () => {
    const pair = channels(from, to, fds)
    runHandshake(pair)
    writeText(pair.server, 'hello')
    readText(pair.client)
    pair.server.free()
    pair.client.free()
  })
  assert.ok(contexts < 20_000 && connections < 4_000, `${contexts} and ${connections} bytes each`)
  for (const fd of [fds.near, fds.far]) calls.close(fd)
  for (const context of [from, to]) context.retire()
  tickets.free()
})

/** Native memory in bytes that each further run takes. */
function grownBy(times: number, run: () => void): number {
  const native = () => process.memoryUsage.rss() - process.memoryUsage().heapTotal
  for (let i = 0; i < times / 4; i++) run()
  const before = native()
  for (let i = 0; i < times; i++) run()
  return Math.round((native() - before) / times)
}

test('10,000 handshakes, most of which fail in various ways, leak no memory', (t) => {
  const tickets = new TicketKeys()
  tickets.set([{ name: randomBytes(16), hmac: randomBytes(32), aes: randomBytes(32) }])
  const stranger = makeIdentity({ name: 'stranger', isAuthority: true })
  const psk = new Map([['joe', randomBytes(32)]])
  const own = { chain: localhost.pem, key: localhost.keyPem }
  const required = { verify: 'require', authorities: authority.pem } as const
  const [joe, wrong] = [psk.get('joe') ?? randomBytes(32), randomBytes(32)]
  const servers = {
    plain: server({ tickets, refusesUnknownNames: true, alpn: ['h2'] }),
    old: server({ versions: ['TLSv1.2'] }),
    strict: server({ clientCertificates: required, tickets }),
    keys: server({ certificates: [], psk }),
  }
  const clients = {
    plain: client({ alpn: ['h2'] }),
    shows: client({ certificate: own }),
    suspicious: client({ authorities: stranger.pem }),
    lost: client({ serverName: 'nobody.example' }),
    newest: client({ versions: ['TLSv1.3'] }),
    joe: client({ psk: { identity: 'joe', key: joe } }),
    liar: client({ psk: { identity: 'joe', key: wrong } }),
  }
  const ways: readonly (() => void)[] = [
    () => meet(servers.plain, clients.plain, true),
    () => meet(servers.strict, clients.shows, true),
    () => meet(servers.keys, clients.joe, true),
    () => meet(servers.plain, clients.suspicious, false),
    () => meet(servers.plain, clients.lost, false),
    () => meet(servers.old, clients.newest, false),
    () => meet(servers.strict, clients.plain, false),
    () => meet(servers.keys, clients.liar, false),
    () => leave(servers.plain, clients.plain, 1),
    () => leave(servers.plain, clients.plain, 2),
    () => sayRubbish(servers.plain, clients.plain),
  ]

  const go = (count: number) => {
    for (let i = 0; i < count; i++) ways[i % ways.length]?.()
  }
  go(WARM_UP)
  const before = mallocBytes()
  go(HANDSHAKES)
  const each = Math.round((mallocBytes() - before) / HANDSHAKES)
  t.diagnostic(`${each} bytes each`)
  assert.ok(each < BYTES_EACH_MAX, `${each} bytes each`)
  for (const context of [...Object.values(servers), ...Object.values(clients)]) context.retire()
  tickets.free()
  for (const fd of [fds.near, fds.far]) calls.close(fd)
  assert.equal(channelsAlive(), 0)
})

function release({ client: one, server: other }: ChannelPair): void {
  one.free()
  other.free()
  for (const fd of [fds.near, fds.far]) drainDry(fd)
}

function meet(from: ServerContext, to: ClientContext, isGood: boolean): void {
  const pair = channels(from, to, fds)
  runHandshake(pair)
  // A TLS 1.3 client learns of the rejection of its certificate only after its handshake.
  assert.equal(pair.server.isReady, isGood)
  if (isGood) {
    pair.server.facts()
    writeText(pair.server, 'hello')
    assert.equal(readText(pair.client), 'hello')
    pair.client.closeNotify()
  } else assert.notEqual(pair.server.reason, '')
  release(pair)
}

/** Aborts after this many steps. */
function leave(from: ServerContext, to: ClientContext, steps: number): void {
  const pair = channels(from, to, fds)
  for (let i = 0; i < steps; i++) {
    assert.equal(pair.client.handshake(), WANT_READ)
    assert.equal(pair.server.handshake(), WANT_READ)
    if (i + 1 < steps) drainDry(fds.near)
  }
  release(pair)
}

function sayRubbish(from: ServerContext, to: ClientContext): void {
  const pair = channels(from, to, fds)
  scratch.bytes.set([22, 3, 1, 0, 5, 9, 9, 9, 9, 9])
  assert.equal(calls.send(fds.near, scratch, 0, 10), 10)
  pair.server.handshake()
  assert.notEqual(pair.server.reason, '')
  release(pair)
}

/** Memory allocated by malloc; the JavaScript heap, which varies by megabytes, is not included. */
function mallocBytes(): number {
  const maps = readFileSync('/proc/self/smaps', 'utf8')
  const [, kib] = /\[heap\]\n(?:\w+: .*\n)*?Rss: +(\d+) kB/.exec(maps) ?? []
  assert.ok(kib, 'there is a heap')
  return Number(kib) * 1024
}
