import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { after, test } from 'node:test'
import { calls, closeAll, countUnread, tcpPair, unixPair } from '../../test/support/sockets.js'
import { ALERT, APPLICATION_DATA, type Forger, forging, HANDSHAKE } from '../../test/support/tls-forger.js'
import {
  type ChannelPair,
  channels,
  client,
  connected,
  isWaiting,
  runHandshake,
  scratch,
  server,
} from '../../test/support/tls-pair.js'
import { channelsAlive, type TlsChannel } from './channel.js'
import { END, MORE, PROTOCOL_ERROR, WANT_READ, WANT_WRITE } from './outcomes.js'

/** Peers that send records no library would: each connection ends, and none blocks the reactor. */

after(() => assert.equal(channelsAlive(), 0, 'channels are left'))

const NONE = Buffer.alloc(0)
/** A KeyUpdate with update_requested (RFC 8446, 4.6.3), without its last byte. */
const MOST_OF_KEY_UPDATE = Buffer.of(24, 0, 0, 1)
const ASKS = Buffer.of(1)

interface Scene {
  readonly pair: ChannelPair
  readonly victim: TlsChannel
  readonly forger: Forger
  /** Sends bytes as the peer. */
  send(...records: readonly Uint8Array[]): void
  /** The final outcome of reading. */
  reads(): number
}

/** Completes a handshake with a peer that then forges records. */
function sceneFor(side: 'CLIENT' | 'SERVER', fds = unixPair()): Scene {
  const { forger, options } = forging(side)
  const pair = side === 'CLIENT' ? connected({}, options, fds) : connected(options, {}, fds)
  const [fd, victim] =
    side === 'CLIENT' ? ([pair.fds.near, pair.server] as const) : ([pair.fds.far, pair.client] as const)
  return {
    pair,
    victim,
    forger: forger(),
    send: (...records) => sendAll(fd, Buffer.concat(records)),
    reads() {
      let outcome = victim.read(scratch, 0, 1_000)
      for (let calls = 1; outcome === MORE; calls++) {
        assert.ok(calls < 1_000, 'it ends')
        outcome = victim.read(scratch, 0, 1_000)
      }
      return outcome
    },
  }
}

function sendAll(fd: number, bytes: Uint8Array): void {
  scratch.bytes.set(bytes)
  assert.equal(calls.send(fd, scratch, 0, bytes.length), bytes.length)
}

const many = (count: number, make: (i: number) => Buffer) =>
  Buffer.concat(Array.from({ length: count }, (_, i) => make(i)))

test('accepts correctly forged records', () => {
  for (const side of ['CLIENT', 'SERVER'] as const) {
    const { forger, pair, reads, send } = sceneFor(side)
    send(forger.record(APPLICATION_DATA, Buffer.from('hello')), forger.record(APPLICATION_DATA, NONE, 100))
    assert.equal(reads(), 5)
    assert.equal(reads(), WANT_READ)
    pair.close()
  }
})

for (const [what, side, make, reason] of [
  [
    'empty records',
    'CLIENT',
    (forger) => many(1_000, () => forger.record(APPLICATION_DATA, NONE)),
    /too small/,
  ],
  [
    'padding only',
    'CLIENT',
    (forger) => many(100, () => forger.record(APPLICATION_DATA, NONE, 900)),
    /too small/,
  ],
  [
    'warning alerts',
    'CLIENT',
    (forger) => many(1_000, () => forger.record(ALERT, Buffer.of(1, 90))),
    /too many warn/,
  ],
  [
    'a record that is too large',
    'CLIENT',
    (forger) => forger.record(APPLICATION_DATA, Buffer.alloc(16_385)),
    /too long/,
  ],
  ['a record of no known type', 'CLIENT', (forger) => forger.record(99, Buffer.of(1)), /record type/],
  [
    'a message of 16 MiB',
    'CLIENT',
    (forger) => forger.record(HANDSHAKE, Buffer.of(24, 255, 255, 255)),
    /excessive|length/,
  ],
  [
    'a ticket of 16 MiB',
    'SERVER',
    (forger) => forger.record(HANDSHAKE, Buffer.of(4, 255, 255, 255)),
    /excessive/,
  ],
  [
    'a second ClientHello',
    'CLIENT',
    (forger) => forger.record(HANDSHAKE, Buffer.of(1, 0, 0, 1, 0)),
    /unexpected message/,
  ],
] as const satisfies readonly (readonly [
  string,
  'CLIENT' | 'SERVER',
  (forger: Forger) => Buffer,
  RegExp,
])[]) {
  test(`${what}: fails the connection and sends an alert`, () => {
    const { forger, pair, reads, send, victim } = sceneFor(side)
    send(make(forger))
    assert.equal(reads(), PROTOCOL_ERROR)
    assert.match(victim.reason, reason)
    assert.equal(victim.write(scratch, 0, 1), PROTOCOL_ERROR, 'writes fail from then on')
    pair.close()
  })
}

for (const [what, part] of [
  ['of the header', 3],
  ['of all but the last byte', 4],
] as const) {
  test(`a partial key update, ${what}: writes wait at most for its rest`, () => {
    const { forger, pair, reads, send, victim } = sceneFor('CLIENT')
    const update = Buffer.concat([MOST_OF_KEY_UPDATE, ASKS])
    send(forger.record(HANDSHAKE, update.subarray(0, part)))
    assert.equal(reads(), WANT_READ)
    const isWaiting = victim.write(scratch, 0, 9) === WANT_READ
    if (isWaiting) assert.equal(victim.closeNotify(), WANT_WRITE, 'not before the rest')
    send(forger.record(HANDSHAKE, update.subarray(part)))
    forger.changeKeys()
    send(forger.record(APPLICATION_DATA, Buffer.from('new keys')))
    if (isWaiting) assert.equal(victim.write(scratch, 0, 9), 9)
    assert.equal(reads(), 8)
    assert.equal(victim.closeNotify(), 0)
    assert.equal(pair.client.read(scratch, 0, 100), 9)
    pair.close()
  })
}

test('a partial ticket: close_notify is sent after its rest has arrived', () => {
  const { forger, pair, reads, send, victim } = sceneFor('SERVER')
  const whole = ticket(1)
  send(forger.record(HANDSHAKE, whole.subarray(0, 20)))
  assert.equal(reads(), WANT_READ)
  assert.equal(victim.closeNotify(), WANT_READ)
  send(forger.record(HANDSHAKE, whole.subarray(20)))
  assert.equal(reads(), WANT_READ)
  assert.equal(victim.closeNotify(), 0)
  assert.equal(pair.server.read(scratch, 0, 100), END)
  pair.close()
})

test('key updates that request a reply, of a peer that does not read: not processed until it reads', () => {
  const { forger, pair, reads, send } = sceneFor('CLIENT')
  let outcome: number = WANT_READ
  for (let i = 0; i < 10_000 && outcome === WANT_READ; i++) {
    send(forger.record(HANDSHAKE, Buffer.concat([MOST_OF_KEY_UPDATE, ASKS])))
    forger.changeKeys()
    outcome = reads()
  }
  assert.equal(outcome, WANT_WRITE)
  send(forger.record(APPLICATION_DATA, Buffer.from('hello')))
  const unread = countUnread(pair.fds.far)
  for (let i = 0; i < 100; i++) assert.equal(reads(), WANT_WRITE)
  assert.equal(countUnread(pair.fds.far), unread, 'nothing more is read')
  assert.ok([WANT_READ, MORE].includes(pair.client.read(scratch, 0, 100)))
  while (pair.client.read(scratch, 0, 100) === MORE) {}
  assert.equal(reads(), 5)
  pair.close()
})

test('key updates of a peer that does not read: nothing is lost when it reads', () => {
  const { forger, pair, reads, send, victim } = sceneFor('CLIENT')
  let sent = 0
  let took = 0
  scratch.bytes.fill(120)
  do {
    took = victim.write(scratch, 0, 65_536)
    sent += Math.max(0, took)
  } while (took === 65_536)
  send(forger.record(HANDSHAKE, Buffer.concat([MOST_OF_KEY_UPDATE, ASKS])))
  forger.changeKeys()
  send(forger.record(APPLICATION_DATA, Buffer.from('hello')))
  assert.equal(reads(), 5, 'its data arrives')
  const rest = 65_536 - Math.max(0, took)
  assert.equal(victim.write(scratch, 0, rest), WANT_WRITE)
  let got = 0
  let done = 0
  for (let turns = 0; turns < 10_000 && done < rest; turns++) {
    const heard = pair.client.read(scratch, 0, 65_536)
    if (heard > 0) got += heard
    scratch.bytes.fill(120, 0, rest)
    const written = victim.write(scratch, done, rest - done)
    if (written > 0) done += written
    else assert.equal(written, WANT_WRITE)
  }
  for (let heard = 1; heard > 0; got += Math.max(0, heard)) heard = pair.client.read(scratch, 0, 65_536)
  assert.equal(done, rest)
  assert.equal(got, sent + rest)
  pair.close()
})

test('a remote that floods tickets neither fills memory nor starves others', () => {
  const { forger, options } = forging('SERVER')
  const [from, to] = [server(options), client()]
  const pair = channels(from, to)
  assert.deepEqual(runHandshake(pair), [0, 0])
  const forged = forger()
  let portions = 0
  for (let i = 0; i < 1_000; i += 200) {
    sendAll(
      pair.fds.far,
      many(200, (j) => forged.record(HANDSHAKE, ticket(i + j))),
    )
    let outcome = pair.client.read(scratch, 0, 100)
    for (; outcome === MORE; outcome = pair.client.read(scratch, 0, 100)) portions += 1
    assert.equal(outcome, WANT_READ, pair.client.reason)
  }
  assert.ok(portions >= 4, `${portions} portions`)
  assert.equal(to.sessionCount, 16)
  pair.close()
  from.retire()
  to.retire()
})

/** NewSessionTicket (RFC 8446, 4.6.1): lifetime, age, nonce, ticket, no extensions. */
function ticket(number: number): Buffer {
  const nonce = Buffer.of(number >> 8, number & 255)
  const body = Buffer.concat([
    Buffer.from([0, 0, 14, 16, 0, 0, 0, 0, 2]),
    nonce,
    Buffer.of(0, 32),
    Buffer.alloc(32, number),
    Buffer.of(0, 0),
  ])
  return Buffer.concat([Buffer.of(4, 0, 0, body.length), body])
}

for (const [what, record] of [
  ['warning alerts', [21, 3, 1, 0, 2, 1, 90]],
  ['change_cipher_spec records', [20, 3, 1, 0, 1, 1]],
  ['empty handshake records', [22, 3, 1, 0, 0]],
] as const) {
  test(`${what} instead of a ClientHello fail the handshake at once`, () => {
    const from = server()
    const fds = tcpPair()
    const channel = from.accept(fds.far)
    assert.ok(channel)
    sendAll(
      fds.near,
      many(1_000, () => Buffer.from(record)),
    )
    let outcome = channel.handshake()
    for (let turns = 0; turns < 1_000 && isWaiting(outcome); turns++) outcome = channel.handshake()
    assert.equal(outcome, PROTOCOL_ERROR)
    channel.free()
    closeAll(fds.near, fds.far)
    from.retire()
  })
}
