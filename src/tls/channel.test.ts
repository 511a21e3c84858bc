import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  calls,
  closeAll,
  countUnread,
  fillUp,
  sendText,
  tcpPair,
  unixPair,
  waitReadable,
} from '../../test/support/sockets.js'
import {
  channels,
  client,
  connected,
  readText,
  scratch,
  server,
  writeText,
} from '../../test/support/tls-pair.js'
import type { Outcome } from '../kernel/calls.js'
import { ECONNRESET, EPIPE } from '../kernel/errno.js'
import { nativeFunction } from '../kernel/ffi.js'
import { countOpenDescriptors } from '../kernel/limits.js'
import { mapPrivate } from '../kernel/memory.js'
import { contextCalls } from '../kernel/openssl-context.js'
import { sha256Of } from '../kernel/openssl-digest.js'
import { sslCalls } from '../kernel/openssl-ssl.js'
import { readingBytes, x509Calls } from '../kernel/openssl-x509.js'
import { channelsAlive, type TlsChannel } from './channel.js'
import type { TlsVersion } from './options.js'
import { END, MORE, PROTOCOL_ERROR, TRUNCATED, WANT_READ, WANT_WRITE } from './outcomes.js'

const VERSIONS: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3']
const openBefore = countOpenDescriptors()

after(() => {
  assert.equal(channelsAlive(), 0, 'channels are left')
  assert.equal(countOpenDescriptors(), openBefore, 'descriptors are left open')
})

for (const version of VERSIONS) {
  test(`${version}: handshake and data in both directions`, () => {
    const pair = connected({ versions: [version] })
    assert.ok(pair.server.isReady && pair.client.isReady)
    assert.equal(pair.server.facts().version, version)
    writeText(pair.client, 'hello')
    assert.equal(readText(pair.server), 'hello')
    writeText(pair.server, 'good day')
    assert.equal(readText(pair.client), 'good day')
    assert.equal(pair.server.read(scratch, 0, 10), WANT_READ)
    pair.close()
  })

  test(`${version}: half-close: one direction ends while the other continues`, () => {
    const pair = connected({ versions: [version] })
    writeText(pair.client, 'request')
    assert.equal(pair.client.closeNotify(), 0)
    assert.equal(pair.client.closeNotify(), 0, 'sent once')
    assert.equal(readText(pair.server), 'request')
    assert.equal(pair.server.read(scratch, 0, 10), END)
    assert.equal(pair.server.read(scratch, 0, 10), END, 'the outcome is final')
    writeText(pair.server, 'answer')
    assert.equal(readText(pair.client), 'answer')
    assert.equal(pair.server.closeNotify(), 0)
    assert.equal(pair.client.read(scratch, 0, 10), END)
    pair.close()
  })

  test(`${version}: an end without close_notify is TRUNCATED, and the other direction continues`, () => {
    const pair = connected({ versions: [version] })
    writeText(pair.client, 'half a requ')
    calls.shutdownWrite(pair.fds.near)
    waitReadable(pair.fds.far)
    assert.equal(readText(pair.server), 'half a requ')
    assert.equal(pair.server.read(scratch, 0, 10), TRUNCATED)
    writeText(pair.server, 'pardon?')
    assert.equal(readText(pair.client), 'pardon?')
    pair.close()
  })

  test(`${version}: an end inside a record is TRUNCATED`, () => {
    const pair = connected({ versions: [version] })
    const between = tapped(pair.fds.near, () => writeText(pair.client, 'x'.repeat(100)))
    sendBytes(pair.fds.near, between.subarray(0, between.length - 1))
    calls.shutdownWrite(pair.fds.near)
    waitReadable(pair.fds.far)
    assert.equal(pair.server.read(scratch, 0, 1000), TRUNCATED)
    pair.close()
  })

  test(`${version}: transfers 1 MiB through a socket with small buffers`, () => {
    const pair = connected({ versions: [version] }, {}, unixPair())
    const source = mapPrivate(1 << 20)
    const sink = mapPrivate(1 << 20)
    for (let i = 0; i < source.byteLength; i++) source.bytes[i] = (i * 7 + (i >> 9)) & 255
    let [sent, received, blocked] = [0, 0, 0]
    while (received < source.byteLength) {
      const took = pair.client.write(source, sent, source.byteLength - sent)
      assert.ok(took > 0 || took === WANT_WRITE || sent === source.byteLength, pair.client.reason)
      if (took !== source.byteLength - sent) blocked += 1
      sent += Math.max(0, took)
      const got = pair.server.read(sink, received, Math.min(50_000, sink.byteLength - received))
      if (got > 0) received += got
    }
    assert.ok(blocked > 2, 'the socket was full several times')
    assert.deepEqual(sha256Of([sink.bytes]), sha256Of([source.bytes]))
    pair.close()
  })
}

/** Repeats a step until its outcome is not WANT_READ or WANT_WRITE. */
function awaited(fd: number, step: () => Outcome): Outcome {
  for (;;) {
    const outcome = step()
    if (outcome !== WANT_READ) return outcome
    waitReadable(fd)
  }
}

test('returns a reset as errno from read and write', () => {
  const pair = connected({}, {}, tcpPair())
  calls.resetOnClose(pair.fds.near)
  calls.close(pair.fds.near)
  assert.equal(
    awaited(pair.fds.far, () => pair.server.read(scratch, 0, 10)),
    -ECONNRESET,
  )
  assert.equal(pair.server.read(scratch, 0, 10), -ECONNRESET)
  assert.equal(pair.server.write(scratch, 0, 10), -ECONNRESET)
  assert.equal(pair.server.closeNotify(), -ECONNRESET)
  pair.server.free()
  pair.client.free()
  closeAll(pair.fds.far)
})

test('write to a closed peer returns an errno without SIGPIPE', () => {
  const pair = connected()
  calls.close(pair.fds.near)
  assert.equal(pair.server.write(scratch, 0, 10), -EPIPE)
  pair.server.free()
  pair.client.free()
  closeAll(pair.fds.far)
})

test('freeing a channel amid its handshake leaks nothing', () => {
  const [from, to] = [server(), client()]
  const pair = channels(from, to)
  assert.equal(pair.server.handshake(), WANT_READ)
  assert.equal(pair.client.handshake(), WANT_READ)
  assert.equal(pair.client.closeNotify(), 0, 'nothing to close before the handshake')
  calls.close(pair.fds.near)
  assert.equal(pair.server.handshake(), -EPIPE)
  pair.client.free()
  pair.server.free()
  pair.server.free()
  assert.deepEqual(
    [pair.server.pendingBytes, pair.server.isBetweenRecords, pair.server.verifyError],
    [0, true, undefined],
  )
  assert.equal(pair.server.read(scratch, 0, 10), PROTOCOL_ERROR)
  assert.throws(() => pair.server.facts(), /freed/)
  closeAll(pair.fds.far)
  from.retire()
  to.retire()
})

test('a peer that disconnects without a ClientHello is TRUNCATED', () => {
  const pair = channels(server(), client())
  calls.close(pair.fds.near)
  assert.equal(pair.server.handshake(), TRUNCATED)
  assert.equal(pair.server.handshake(), TRUNCATED)
  pair.server.free()
  pair.client.free()
  closeAll(pair.fds.far)
})

for (const [what, text] of Object.entries({
  plaintext: 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n',
  garbage: '\x16\x03\x01\x00\x10 this is no hello',
  'a partial ClientHello and its end': '\x16\x03\x01\x02\x00\x01\x00\x01',
})) {
  test(`a handshake fails at once on ${what}`, () => {
    const pair = channels(server(), client())
    sendBytes(
      pair.fds.near,
      Uint8Array.from(text, (character) => character.charCodeAt(0)),
    )
    calls.shutdownWrite(pair.fds.near)
    const outcome = pair.server.handshake()
    if (what.startsWith('a partial')) assert.equal(outcome, TRUNCATED)
    else {
      assert.equal(outcome, PROTOCOL_ERROR)
      assert.notEqual(pair.server.reason, '')
    }
    assert.equal(pair.server.handshake(), outcome, 'the outcome is final')
    pair.close()
  })
}

test('plaintext after the handshake is a protocol error with a reason', () => {
  const pair = connected()
  sendText(pair.fds.near, 'in the clear, for once')
  assert.equal(pair.server.read(scratch, 0, 100), PROTOCOL_ERROR)
  assert.match(pair.server.reason, /version|record/)
  assert.equal(pair.server.write(scratch, 0, 10), PROTOCOL_ERROR)
  assert.equal(pair.client.read(scratch, 0, 100), PROTOCOL_ERROR)
  assert.match(pair.client.reason, /alert/)
  pair.close()
})

test('a handshake continues however its bytes are split', () => {
  const [from, to] = [server(), client()]
  const wire = unixPair()
  const behind = unixPair()
  const [one, other] = [from.accept(behind.far), to.connect(wire.near)]
  assert.ok(one && other)
  const carry = (source: number, sink: number) => {
    const got = calls.recv(source, scratch, 0, 1)
    if (got === 1) assert.equal(calls.send(sink, scratch, 0, 1), 1)
  }
  let outcomes = [WANT_READ, WANT_READ]
  for (let bytes = 0; bytes < 20_000 && outcomes.some((outcome) => outcome !== 0); bytes++) {
    outcomes = [one, other].map((channel) => (channel.isReady ? 0 : channel.handshake()))
    assert.ok(
      outcomes.every((outcome) => outcome === 0 || outcome === WANT_READ),
      outcomes.join(),
    )
    carry(wire.far, behind.near)
    carry(behind.near, wire.far)
  }
  assert.deepEqual(outcomes, [0, 0])
  for (const channel of [one, other]) channel.free()
  closeAll(wire.near, wire.far, behind.near, behind.far)
})

test('a blocked write can be retried from another address', () => {
  const pair = connected()
  const blocks = [mapPrivate(32_768), mapPrivate(32_768)] as const
  blocks[0].bytes.fill(7)
  let sent = 0
  let took = 0
  do {
    took = pair.client.write(blocks[0], 0, 32_768)
    sent += Math.max(0, took)
  } while (took === 32_768)
  assert.ok(!pair.client.isBetweenRecords)
  assert.equal(pair.client.closeNotify(), WANT_WRITE, 'not before the rest')
  const rest = 32_768 - Math.max(0, took)
  blocks[1].bytes.fill(7)
  blocks[0].bytes.fill(9)
  let received = drain(pair.server, 7)
  assert.equal(pair.client.write(blocks[1], 32_768 - rest, rest), rest)
  assert.equal(pair.client.closeNotify(), 0)
  received += drain(pair.server, 7)
  assert.equal(received, sent + rest)
  pair.close()
})

/** Reads everything available, which must consist of this byte. */
function drain(channel: TlsChannel, byte: number): number {
  let total = 0
  for (;;) {
    const got = channel.read(scratch, 0, 65_536)
    if (got < 0) return total
    assert.ok(scratch.bytes.subarray(0, got).every((one) => one === byte))
    total += got
  }
}

test('mayHaveMore is correct after each read', () => {
  const pair = connected()
  writeText(pair.client, 'a')
  writeText(pair.client, 'b')
  assert.equal(readText(pair.server), 'ab', 'several records per read')
  assert.equal(pair.server.mayHaveMore, false)
  for (let i = 0; i < 100; i++) writeText(pair.client, 'x')
  let got = ''
  do got += readText(pair.server)
  while (pair.server.mayHaveMore)
  assert.equal(got.length, 100)
  writeText(pair.client, 'x'.repeat(500))
  assert.equal(pair.server.read(scratch, 0, 499), 499)
  assert.ok(pair.server.mayHaveMore)
  assert.equal(pair.server.pendingBytes, 1)
  assert.equal(pair.server.read(scratch, 0, 499), 1)
  pair.close()
})

test('the socket is drained when mayHaveMore is false, however the records were split', () => {
  const pair = connected()
  const wire = divert(pair.fds.near)
  for (let i = 0; i < 40; i++) writeText(pair.client, 'x'.repeat(1 + ((i * 977) % 3000)))
  wire.restore()
  const bytes = wire.bytes()
  let random = 12_345
  for (let at = 0; at < bytes.length; ) {
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31
    const size = Math.min(bytes.length - at, 1 + (random % 5_000))
    sendBytes(pair.fds.near, bytes.subarray(at, at + size))
    at += size
    do {
      const got = pair.server.read(scratch, 0, random % 2 === 0 ? 65_536 : 700)
      if (got < 0) assert.equal(got, WANT_READ)
    } while (pair.server.mayHaveMore)
    assert.equal(countUnread(pair.fds.far), 0)
  }
  assert.equal(pair.server.recordsRead >= 40, true)
  pair.close()
})

test('a flood of key updates is processed over several turns', () => {
  const from = server()
  const pair = tcpPair()
  const channel = from.accept(pair.far)
  assert.ok(channel)
  const peer = rawClient(pair.near)
  while (!channel.isReady) {
    peer.handshake()
    channel.handshake()
  }
  for (let i = 0; i < 3_000; i++) peer.updateKey(false)
  peer.write('done')
  let portions = 0
  const got = awaited(pair.far, () => {
    let outcome = channel.read(scratch, 0, 10)
    for (; outcome === MORE; outcome = channel.read(scratch, 0, 10)) portions += 1
    return outcome
  })
  assert.equal(got, 4, channel.reason)
  assert.ok(portions > 50, `${portions} portions`)
  // A key update that requests a reply gets it with the next data.
  peer.updateKey(true)
  waitReadable(pair.far)
  assert.equal(channel.read(scratch, 0, 10), WANT_READ)
  writeText(channel, 'new key')
  assert.equal(awaited(pair.near, peer.read), 'new key'.length)
  peer.free()
  channel.free()
  from.retire()
  closeAll(pair.near, pair.far)
})

/** An OpenSSL client with calls that channels do not offer. */
function rawClient(fd: number) {
  const [ssl, contexts] = [sslCalls(), contextCalls()]
  const keyUpdate = nativeFunction<(ssl: number, type: number) => number>(
    'int SSL_key_update(uintptr_t ssl, int type)',
  )
  const context = contexts.open(contexts.clientMethod())
  const own = ssl.open(context)
  ssl.setFd(own, fd)
  ssl.setConnectState(own)
  return {
    handshake: () => ssl.handshake(own),
    updateKey(isAnswerWanted: boolean) {
      assert.equal(keyUpdate(own, isAnswerWanted ? 1 : 0), 1)
      assert.equal(ssl.handshake(own), 1)
    },
    write(text: string) {
      const { written } = new TextEncoder().encodeInto(text, scratch.bytes)
      assert.equal(ssl.write(own, scratch.pointer, written), written)
    },
    read() {
      const got = ssl.read(own, scratch.pointer, 1000)
      return got > 0 ? got : WANT_READ
    },
    free() {
      ssl.free(own)
      contexts.free(context)
    },
  }
}

test('stale errors in the queue do not affect a channel', () => {
  const pair = connected()
  const leave = () => {
    const calls = x509Calls()
    assert.equal(
      readingBytes(Uint8Array.of(1, 2), (bio) => calls.derCertificate(bio, 0)),
      0,
    )
  }
  leave()
  assert.equal(pair.server.read(scratch, 0, 10), WANT_READ)
  leave()
  writeText(pair.client, 'hello')
  assert.equal(readText(pair.server), 'hello')
  assert.equal(pair.server.reason, '')
  fillUp(pair.fds.far)
  leave()
  assert.equal(pair.server.write(scratch, 0, 10), WANT_WRITE)
  pair.close()
})

/** The bytes that a write sends, captured through a connection in between. */
function tapped(fd: number, write: () => void): Uint8Array {
  const { bytes, restore } = divert(fd)
  write()
  restore()
  return bytes()
}

/** Temporarily redirects a descriptor to another socket (dup2). */
function divert(fd: number): { bytes(): Uint8Array; restore(): void } {
  const pair = unixPair()
  const dup = nativeFunction<(fd: number) => number>('int dup(int fd)')
  const dup2 = nativeFunction<(from: number, to: number) => number>('int dup2(int from, int to)')
  const kept = dup(fd)
  dup2(pair.near, fd)
  return {
    bytes() {
      const got = calls.recv(pair.far, scratch, 0, scratch.byteLength)
      closeAll(pair.far)
      return scratch.bytes.slice(0, got)
    },
    restore() {
      dup2(kept, fd)
      closeAll(kept, pair.near)
    },
  }
}

function sendBytes(fd: number, bytes: Uint8Array): void {
  scratch.bytes.set(bytes)
  assert.equal(calls.send(fd, scratch, 0, bytes.length), bytes.length)
}
