/** The phase `starttls`, and the greeting of the remote behind it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientHello } from '../../../test/harness/client-hello.js'
import type { FakeSocket } from '../../../test/simulation/fake-socket.js'
import { DetectingWorld } from '../../../test/support/detecting-world.js'
import { OPENED_PROTOCOLS, OPENINGS, type OpenedProtocol } from '../../../test/support/plain-openings.js'
import { COUNT } from '../../observe/counters.js'

const TIMEOUT_MS = 10_000
const HELLO = await clientHello({ servername: 'inside.example' })
const GREETINGS: Readonly<Partial<Record<OpenedProtocol, string>>> = {
  smtp: '220-x\r\n220 x\r\n',
  imap: '* OK x\r\n',
  pop3: '+OK x\r\n',
  ftp: '220-x\r\nx\r\n220 x\r\n',
}
const latin = (text: string) => Buffer.from(text, 'latin1')

/** TLS that is passed through, since OpenSSL does not read from simulated sockets. */
function worldOf(protocol: OpenedProtocol, interrupted = 0, seed = 1): DetectingWorld {
  return new DetectingWorld({
    starttls: { protocol, serverName: 'relay.example' },
    greeting: { context: undefined, timeoutMs: TIMEOUT_MS, detectMs: TIMEOUT_MS },
    interrupted,
    seed,
  })
}

function saidTo(socket: FakeSocket): string {
  return Buffer.from(socket.unsent.bytes).toString('latin1')
}

/** The whole opening, then a ClientHello. */
function openWith(world: DetectingWorld, protocol: OpenedProtocol): FakeSocket {
  const client = world.connect()
  for (const part of OPENINGS[protocol]) world.send(client, latin(part))
  world.send(client, HELLO)
  return client
}

const reasons = (world: DetectingWorld) => world.ended.map(({ cause, reason }) => [reason, cause])

for (const protocol of OPENED_PROTOCOLS) {
  test(`${protocol}: the handshake follows the opening, and nothing of that reaches the remote`, () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = worldOf(protocol, 0.3, seed)
      openWith(world, protocol)
      assert.deepEqual(world.phases, ['dialling'])
      assert.equal(world.routed.length, 1)
      const [remote] = world.accept()
      const greeting = GREETINGS[protocol]
      if (greeting !== undefined) {
        assert.deepEqual(world.phases, ['dialling'])
        assert.equal(remote?.unsent.length, 0, 'nothing is sent before the greeting')
        for (const byte of latin(greeting)) if (remote !== undefined) world.send(remote, Uint8Array.of(byte))
      }
      assert.deepEqual(world.phases, ['relaying'])
      assert.deepEqual(remote?.unsent.bytes, new Uint8Array(HELLO))
    }
  })

  test(`${protocol}: bytes behind the request end the session`, () => {
    const world = worldOf(protocol)
    const client = world.connect()
    const parts = OPENINGS[protocol]
    for (const part of parts.slice(0, -1)) world.send(client, latin(part))
    world.send(client, Buffer.concat([latin(parts.at(-1) ?? ''), HELLO]))
    const why = 'the client did not wait for the answer to its request for TLS'
    assert.deepEqual(reasons(world), [['starttls', why]])
    assert.equal(world.routed.length, 0)
    assert.equal(world.counters[COUNT.badStarttls], 1)
    assert.deepEqual(world.warnings, [
      `closed the connection of 10.0.0.1:1024 to listener before TLS: ${why}`,
    ])
  })
}

test('a client that does not ask for TLS is answered and closed in order', () => {
  const world = worldOf('smtp')
  const client = world.connect(latin('MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n'))
  assert.equal(saidTo(client), '220 relay.example ESMTP\r\n530 5.7.0 Must issue a STARTTLS command first\r\n')
  assert.deepEqual([client.isShut, client.willResetOnClose], [true, false])
  assert.deepEqual(reasons(world), [['starttls', 'the client did not ask for TLS']])
})

test('the time limit is that of the handshake, from the accept on', () => {
  const world = worldOf('pop3')
  const silent = world.connect()
  world.pass(TIMEOUT_MS - 1)
  assert.deepEqual(world.phases, ['starttls'])
  world.pass(1)
  assert.deepEqual(reasons(world), [['starttls', 'the client did not ask for TLS within 10 s']])
  assert.equal(silent.isClosed, true)
  const slow = world.connect()
  world.pass(TIMEOUT_MS - 1)
  world.send(slow, latin('STLS\r\n'))
  assert.deepEqual(world.phases, ['greeting'])
  world.pass(1)
  assert.deepEqual(world.phases, ['dialling'], 'a silent client of TLS that is passed through')
})

test('clients that leave are no errors', () => {
  const world = worldOf('smtp')
  world.send(world.connect(), latin('QUIT\r\n'))
  world.end(world.connect())
  world.reset(world.connect())
  assert.deepEqual(
    world.ended.map(({ reason }) => reason),
    ['client-left', 'client-left', 'client-left'],
  )
  assert.deepEqual([world.warnings, world.counters[COUNT.badStarttls]], [[], 0])
})

test('a client that does not read is closed', () => {
  const world = worldOf('smtp')
  const client = world.connect()
  client.unsent.push(new Uint8Array(client.sendCapacity - client.unsent.length - 5))
  world.send(client, latin('NOOP\r\n'))
  assert.deepEqual(reasons(world), [['starttls', 'the client does not read what it is sent']])
})

test('PostgreSQL: a ClientHello without a request stays in the socket', () => {
  const world = worldOf('postgres')
  world.connect(HELLO)
  assert.deepEqual(world.phases, ['dialling'])
  const [remote] = world.accept()
  assert.deepEqual(remote?.unsent.bytes, new Uint8Array(HELLO))
})

test('a remote whose greeting is an error has failed, and so has one without a greeting', () => {
  const world = worldOf('smtp')
  openWith(world, 'smtp')
  const [first] = world.accept()
  assert.ok(first)
  world.send(first, latin('421 Too many connections\r\n'))
  assert.equal(first.isClosed, true)
  world.pass(1_000)
  const [second] = world.accept()
  assert.ok(second)
  world.end(second)
  world.pass(1_000)
  const [third] = world.accept()
  assert.ok(third)
  world.send(third, latin('220-only a part'))
  world.pass(15_000)
  assert.equal(third.isClosed, true)
  const [fourth] = world.accept()
  assert.ok(fourth)
  world.send(fourth, latin('220-more\r\n'.repeat(10_000)))
  assert.equal(fourth.isClosed, true)
  world.cut()
  assert.equal(world.ended[0]?.failedAttempts, 'remote:refused,remote:reset,remote:timeout,remote:refused')
})

test('what a remote sends behind its greeting is for the client', () => {
  const world = worldOf('imap')
  const client = world.connect()
  for (const part of OPENINGS.imap) world.send(client, latin(part))
  world.send(client, HELLO)
  const said = saidTo(client)
  const [remote] = world.accept()
  assert.ok(remote)
  world.send(remote, latin('* OK ready\r\n* 1 EXISTS\r\n'))
  assert.equal(saidTo(client), `${said}* 1 EXISTS\r\n`)
})
