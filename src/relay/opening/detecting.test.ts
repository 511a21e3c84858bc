/** The phase `detecting`: what is known of a client, and when, once a remote is chosen. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DetectingOptions, DetectingWorld } from '../../../test/support/detecting-world.js'
import { FIRST_BYTES, rdpRequest } from '../../../test/support/first-bytes.js'
import { WholeRelay } from '../../../test/support/whole-relay.js'
import type { ServerContext } from '../../tls/server-context.js'
import { PROTOCOL, PROTOCOL_NAMES, type ProtocolName } from '../../wire/sniff/protocol-names.js'
import { latinBytes } from '../../wire/sniff/read.js'
import type { Detection } from '../detection.js'
import type { Greeting } from '../relay-tls.js'

const TIMEOUT_MS = 5_000

function detection(names: readonly ProtocolName[], ...keys: Detection['keys']): Detection {
  const protocols = names.reduce((mask, name) => mask | (1 << PROTOCOL[name]), 0)
  return { protocols, keys, timeoutMs: TIMEOUT_MS }
}

const worldOf = (names: readonly ProtocolName[], rest: Partial<DetectingOptions> = {}) =>
  new DetectingWorld({ detection: detection(names), ...rest })

const routedAs = ({ routed }: DetectingWorld) => routed.map(({ protocol }) => protocol)

const SSH = latinBytes('SSH-2.0-x\r\n')

test('every protocol is detected at once by bytes that came with the client', () => {
  for (const [name, samples] of Object.entries(FIRST_BYTES)) {
    for (const { bytes, from } of samples) {
      const world = worldOf(PROTOCOL_NAMES)
      world.connect(bytes)
      assert.deepEqual(world.routed, [{ protocol: name, key: '', afterMs: 0 }], from)
    }
  }
})

test('a client that sends byte by byte is peeked at until its protocol is known', () => {
  const world = worldOf(['ssh', 'http'])
  const client = world.connect()
  for (const byte of SSH.subarray(0, 3)) {
    world.send(client, Uint8Array.of(byte))
    world.pass(100)
  }
  assert.deepEqual(world.phases, ['detecting'])
  assert.equal(client.received.length, 3, 'the bytes stay in the kernel')
  world.send(client, SSH.subarray(3))
  world.pass(250)
  assert.deepEqual(routedAs(world), ['ssh'])
})

test('peeks again on a timer, since no poller reports peeked bytes', () => {
  const world = worldOf(['ssh'])
  const client = world.connect(SSH.subarray(0, 2))
  client.received.push(SSH.subarray(2))
  assert.deepEqual(world.routed, [])
  world.pass(20)
  assert.deepEqual(routedAs(world), ['ssh'])
})

test('bytes of no protocol asked for are none at once, or any', () => {
  for (const [names, wanted] of [
    [['http', 'tls'], 'none'],
    [['http', 'tls', 'any'], 'any'],
    [[], 'none'],
    [['any'], 'any'],
  ] as const) {
    const world = worldOf(names)
    world.connect(SSH)
    assert.deepEqual(world.routed, [{ protocol: wanted, key: '', afterMs: 0 }])
  }
})

test('nobody waits where no protocol needs bytes', () => {
  for (const [names, wanted] of [
    [[], 'none'],
    [['any'], 'any'],
  ] as const) {
    const world = worldOf(names)
    world.connect()
    assert.deepEqual(world.routed, [{ protocol: wanted, key: '', afterMs: 0 }])
  }
})

for (const [wanted, names] of [
  ['none', ['ssh']],
  ['any', ['ssh', 'any']],
] as const) {
  test(`a client of which too little is known is ${wanted} after the time limit`, () => {
    for (const bytes of [new Uint8Array(0), SSH.subarray(0, 3)]) {
      const world = worldOf(names)
      world.connect(bytes)
      world.pass(TIMEOUT_MS - 1)
      assert.deepEqual(world.phases, ['detecting'])
      world.pass(10)
      assert.deepEqual(routedAs(world), [wanted])
      assert.ok((world.routed[0]?.afterMs ?? 0) >= TIMEOUT_MS)
    }
  })

  test(`a client of which too little is known is ${wanted} when it ends`, () => {
    for (const bytes of [new Uint8Array(0), SSH.subarray(0, 3)]) {
      const world = worldOf(names)
      const client = world.connect(bytes)
      world.pass(20)
      assert.deepEqual(world.phases, ['detecting'])
      world.end(client)
      world.pass(250)
      assert.deepEqual(routedAs(world), [wanted])
    }
  })
}

test('a client that resets gets no remote', () => {
  for (const bytes of [new Uint8Array(0), SSH.subarray(0, 3)]) {
    const world = worldOf(['ssh'])
    world.reset(world.connect(bytes))
    assert.deepEqual(world.routed, [])
    assert.deepEqual(
      world.ended.map(({ reason }) => reason),
      ['client-left'],
    )
  }
})

test('interrupted system calls change nothing', () => {
  for (let seed = 0; seed < 20; seed++) {
    const world = worldOf(['ssh'], { interrupted: 0.5, seed })
    const client = world.connect(SSH.subarray(0, 2))
    world.send(client, SSH.subarray(2))
    world.pass(250)
    assert.deepEqual(routedAs(world), ['ssh'], `seed ${seed}`)
  }
})

test('MAVIS is asked once the protocol is known', () => {
  const world = worldOf(['ssh'], { isAsked: true })
  const client = world.connect(SSH.subarray(0, 2))
  assert.deepEqual(world.phases, ['detecting'])
  world.send(client, SSH.subarray(2))
  world.pass(10)
  assert.deepEqual(world.phases, ['asking'])
  world.permit()
  assert.deepEqual(routedAs(world), ['ssh'])
})

test('a record that is reused knows nothing of the client before', () => {
  const world = new DetectingWorld({ detection: detection(['rdp'], 'rdp-user') })
  const first = world.connect(rdpRequest('Cookie: mstshash=joe\r\n'))
  world.reset(first)
  world.pass(1)
  world.end(world.connect())
  assert.deepEqual(
    world.routed.map(({ protocol, key }) => [protocol, key]),
    [
      ['rdp', 'joe'],
      ['none', ''],
    ],
  )
})

test('the key is read too, with its own number of bytes', () => {
  const request = rdpRequest('Cookie: mstshash=joe\r\n\x01\0\x08\0\0\0\0\0')
  for (const [keys, wanted] of [
    [['rdp-user'], 'joe'],
    [['rdp-routing-token'], ''],
    [['mqtt-client-id'], ''],
    [['mqtt-client-id', 'rdp-user'], 'joe'],
    [[], ''],
  ] as const) {
    const world = new DetectingWorld({ detection: detection(['rdp'], ...keys) })
    world.connect(request)
    assert.deepEqual(world.routed, [{ protocol: 'rdp', key: wanted, afterMs: 0 }])
  }
})

test('a known protocol waits for its key, until the time limit', () => {
  const request = rdpRequest('Cookie: mstshash=joe\r\n')
  for (const isLate of [false, true]) {
    const world = new DetectingWorld({ detection: detection(['rdp'], 'rdp-user') })
    const client = world.connect(request.subarray(0, 20))
    assert.deepEqual(world.phases, ['detecting'])
    if (isLate) world.pass(TIMEOUT_MS + 10)
    world.send(client, request.subarray(20))
    world.pass(10)
    assert.deepEqual(
      world.routed.map(({ protocol, key }) => [protocol, key]),
      [['rdp', isLate ? '' : 'joe']],
    )
  }
})

const PASS: Greeting = { context: undefined, timeoutMs: 10_000, detectMs: 1_000 }
const HELLO = FIRST_BYTES.tls[0]?.bytes ?? new Uint8Array(0)

test('tls = pass: a client with a ClientHello speaks TLS, another one is looked at', () => {
  for (const [bytes, wanted] of [
    [HELLO, 'tls'],
    [SSH, 'ssh'],
    [latinBytes('GET / HTTP/1.1\r\n'), 'none'],
  ] as const) {
    const world = worldOf(['tls', 'ssh'], { greeting: PASS })
    world.connect(bytes)
    assert.deepEqual(world.routed, [{ protocol: wanted, key: '', afterMs: 0 }])
  }
})

test('tls = pass: TLS that cannot be parsed is rejected, whatever is detected', () => {
  const world = worldOf(['ssh', 'dns', 'any'], { greeting: PASS })
  world.connect(Uint8Array.of(22, 3, 1, 0, 4, 2, 0, 0, 0))
  assert.deepEqual(world.routed, [])
  assert.deepEqual(
    world.ended.map(({ reason }) => reason),
    ['bad-greeting'],
  )
})

test('tls = pass: TLS is no other protocol where none asks for TLS', () => {
  for (const [names, wanted] of [
    [['dns'], 'none'],
    [['dns', 'any'], 'any'],
  ] as const) {
    const world = worldOf(names, { greeting: PASS })
    world.connect(HELLO)
    assert.deepEqual(routedAs(world), [wanted])
  }
})

test('tls = pass: bytes that the greeting received are looked at with those that follow', () => {
  const world = worldOf(['ssh'], { greeting: PASS })
  const client = world.connect(SSH.subarray(0, 2))
  assert.equal(client.received.length, 0)
  assert.deepEqual(world.phases, ['detecting'])
  client.received.push(SSH.subarray(2))
  world.pass(20)
  assert.deepEqual(routedAs(world), ['ssh'])
})

test('tls = pass: a silent client has the longer of both time limits', () => {
  const world = worldOf(['tls', 'ssh'], { greeting: PASS })
  const client = world.connect()
  world.pass(TIMEOUT_MS - 10)
  assert.deepEqual(world.phases, ['greeting'])
  world.send(client, HELLO)
  assert.deepEqual(routedAs(world), ['tls'])
  const silent = worldOf(['tls', 'ssh'], { greeting: PASS })
  silent.connect()
  silent.pass(TIMEOUT_MS + 20)
  assert.deepEqual(routedAs(silent), ['none'])
})

/** TLS that is terminated: a channel whose handshake is complete at once. */
function terminating(alpn: string | undefined): Greeting {
  const channel = { handshake: () => 0, facts: () => ({ alpn }), read: () => 0, free: () => {} }
  const context = { accept: () => channel } as unknown as ServerContext
  return { context, timeoutMs: 10_000, detectMs: 1_000, versions: undefined, isTruncationReset: true }
}

test('terminated TLS is known by its ALPN name, never by its records', () => {
  for (const [alpn, wanted] of [
    ['http/1.1', 'http'],
    ['h2', 'any'],
    [undefined, 'any'],
  ] as const) {
    const world = worldOf(['http', 'tls', 'any'], { greeting: terminating(alpn) })
    world.connect(HELLO)
    assert.deepEqual(routedAs(world), [wanted], alpn ?? 'none')
  }
})

test('tls = auto: a plain client is looked at', () => {
  const world = worldOf(['http', 'ssh'], { greeting: terminating('http/1.1') })
  world.connect(SSH)
  assert.deepEqual(routedAs(world), ['ssh'])
})

for (const mechanism of ['epoll', 'poll', 'select'] as const) {
  test(`${mechanism}: relays the bytes and the end of a client that was only peeked at`, () => {
    const relay = new WholeRelay({
      mechanism,
      detection: { ...detection(['any', 'ssh']), timeoutMs: 60_000 },
    })
    relay.connectAndEnd()
    relay.serveEnded()
    relay.disconnect()
  })

  test(`${mechanism}: relays a client that ended before its protocol was known`, () => {
    // Not yet a request line, so only the FIN decides.
    const request = latinBytes(`BREW /${'x'.repeat(200)}`)
    const relay = new WholeRelay({
      mechanism,
      detection: { ...detection(['http']), timeoutMs: 60_000 },
      request,
    })
    relay.connectAndEnd()
    relay.serveEnded()
    relay.disconnect()
  })
}
