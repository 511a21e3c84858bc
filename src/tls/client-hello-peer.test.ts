import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { Chance } from '../../test/simulation/chance.js'
import { calls } from '../../test/support/sockets.js'
import { channels, client, runHandshake, scratch, server } from '../../test/support/tls-pair.js'
import { nativeFunction } from '../kernel/ffi.js'
import { readClientHello } from '../wire/client-hello.js'
import type { TlsVersion } from './options.js'
import { WANT_READ } from './outcomes.js'

const RUNS = process.env.TCPRELAY_TESTS === 'full' ? 2_000 : 100
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789-_'
const MSG_PEEK = 2

function word(chance: Chance, lengthMax: number): string {
  return Array.from({ length: chance.between(1, lengthMax) }, () => chance.pick([...LETTERS])).join('')
}

test('agrees with OpenSSL on the content of its ClientHellos', () => {
  const seed = Date.now() >>> 0
  const chance = new Chance(seed)
  for (let run = 0; run < RUNS; run++) {
    const labels = Array.from({ length: chance.between(0, 3) }, () => word(chance, 60))
    const name = ['host', ...labels].join('.')
    const serverName = chance.is(0.2) ? undefined : name
    const alpn = Array.from({ length: chance.between(0, 6) }, () => word(chance, 30))
    const versions: readonly TlsVersion[] | undefined = chance.pick([['TLSv1.2'], ['TLSv1.3'], undefined])
    const preferred = chance.is(0.5) ? chance.pick([...alpn, 'none']) : undefined
    const from = server({ alpn: [preferred ?? 'none', ...alpn].slice(0, 200) })
    const to = client({ serverName, alpn, versions, verify: false })
    const pair = channels(from, to)
    assert.equal(pair.client.handshake(), WANT_READ)
    const length = peek(pair.fds.far)
    const reading = readClientHello(scratch.bytes.subarray(0, length))
    assert.ok(reading.kind === 'hello', `seed ${seed}, run ${run}: ${reading.kind}`)
    const { hello } = reading
    assert.deepEqual([hello.serverName, hello.alpn], [serverName, alpn], `seed ${seed}, run ${run}`)
    const numbers = { 'TLSv1.2': 0x0303, 'TLSv1.3': 0x0304 }
    const offered = (versions ?? ['TLSv1.3', 'TLSv1.2']).map((version) => numbers[version])
    assert.deepEqual(hello.versions, offered, `seed ${seed}, run ${run}`)
    assert.deepEqual(runHandshake(pair), [0, 0], `seed ${seed}, run ${run}: ${pair.server.reason}`)
    const facts = pair.server.facts()
    assert.equal(facts.serverName, hello.serverName, `seed ${seed}, run ${run}`)
    const ours = [preferred ?? 'none', ...alpn]
    assert.equal(
      facts.alpn,
      ours.find((one) => hello.alpn.includes(one)),
      `seed ${seed}, run ${run}`,
    )
    pair.close()
    from.retire()
    to.retire()
  }
})

/** Peeks at the available bytes. */
function peek(fd: number): number {
  const recv = nativeFunction<(fd: number, into: bigint, bytesMax: number, flags: number) => number>(
    'int recv(int fd, uintptr_t bytes, size_t count, int flags)',
  )
  const length = recv(fd, scratch.pointer, scratch.byteLength, MSG_PEEK)
  assert.ok(length > 0)
  return length
}

test('rejects a malformed ClientHello only if OpenSSL rejects it', () => {
  const seed = Date.now() >>> 0
  const chance = new Chance(seed)
  const from = server({ alpn: ['h2', 'http/1.1'] })
  const to = client({ serverName: 'www.example.com', alpn: ['http/1.1', 'h2'], verify: false })
  const counts = { both: 0, openssl: 0, reader: 0 }
  for (let run = 0; run < RUNS * 5; run++) {
    const pair = channels(from, to)
    pair.client.handshake()
    const length = calls.recv(pair.fds.far, scratch, 0, scratch.byteLength)
    const bytes = scratch.bytes.slice(0, length)
    for (let edits = chance.between(1, 3); edits > 0; edits--)
      bytes[chance.between(43, length - 1)] = chance.between(0, 255)
    const reading = readClientHello(bytes)
    scratch.bytes.set(bytes)
    assert.equal(calls.send(pair.fds.near, scratch, 0, length), length)
    const outcome = pair.server.handshake()
    const isTaken = outcome === WANT_READ
    // OpenSSL validates more than this parser, so it may reject more, but never less.
    if (isTaken) {
      assert.equal(reading.kind, 'hello', `seed ${seed}, run ${run}: OpenSSL takes it`)
      counts.both += 1
    } else if (reading.kind === 'hello') counts.reader += 1
    else counts.openssl += 1
    if (isTaken && reading.kind === 'hello') {
      const name = Uint8Array.from(reading.hello.serverName ?? '', (character) => character.charCodeAt(0))
      const text = reading.hello.serverName && new TextDecoder().decode(name)
      assert.equal(pair.server.facts().serverName, text, `seed ${seed}, run ${run}`)
    }
    // Neither side has finished the handshake, but the facts so far are available.
    pair.client.handshake()
    for (const channel of [pair.server, pair.client])
      assert.equal(channel.facts().peer === undefined, !channel.isReady || channel.isServer)
    pair.close()
  }
  assert.ok(counts.both > RUNS, `seed ${seed}: ${JSON.stringify(counts)}`)
  from.retire()
  to.retire()
})

test('reads the ClientHello of Node', async () => {
  const listening = createServer()
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const { port } = listening.address() as AddressInfo
  const accepted = once(listening, 'connection')
  const socket = connect({ port, host: '127.0.0.1', servername: 'node.example', ALPNProtocols: ['h2', 'x'] })
  socket.on('error', () => {})
  const [peer] = await accepted
  const [bytes] = await once(peer, 'data')
  const reading = readClientHello(bytes)
  assert.ok(reading.kind === 'hello')
  assert.deepEqual([reading.hello.serverName, reading.hello.alpn], ['node.example', ['h2', 'x']])
  peer.destroy()
  socket.destroy()
  listening.close()
})
