import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FakeSocket } from '../../../test/simulation/fake-socket.js'
import { atEveryByte } from '../../../test/support/cuts.js'
import { type QueueOptions, QueueWorld } from '../../../test/support/queue-world.js'
import { Hedging } from '../../balance/hedging.js'
import { RetryBudget } from '../../balance/retry-budget.js'
import type { StarttlsName } from '../../base/starttls-names.js'
import { ECONNRESET } from '../../kernel/errno.js'
import { clientOpening } from '../../wire/starttls/client-opening.js'
import { PLAIN_REMOTE } from '../remote-options.js'

const SMTP = ['220 mx.test ESMTP\r\n', '250-mx.test\r\n250 STARTTLS\r\n', '220 go\r\n'] as const
const ASKED = 'EHLO relay.test\r\nSTARTTLS\r\n'

function openingWorld(protocol: StarttlsName, more: Partial<QueueOptions> = {}) {
  const opening = clientOpening({ protocol, name: 'relay.test' })
  const world = new QueueWorld({ max: [1_000], opening, ...more })
  const worker = world.worker()
  return {
    world,
    worker,
    /** What the remote has received. */
    text: (nth = 0) => world.connections[nth]?.text,
    socket: (nth = 0): FakeSocket => {
      const socket = world.connections[nth]?.socket
      assert.ok(socket)
      return socket
    },
    says: (text: string, nth = 0) => {
      world.connections[nth]?.socket.arrive(Buffer.from(text, 'latin1'))
      worker.turn()
    },
    /** A client, and what it gets. */
    connect: (bytes = '') => {
      const client = worker.connect('tcp', bytes)
      let got = ''
      const onBytes = (chunk: Uint8Array) => {
        got += Buffer.from(chunk).toString('latin1')
      }
      client.peer = { onBytes, onEnd: () => {}, onReset: () => {} }
      return { client, got: () => got }
    },
    ended: () => world.ended.map(({ cause, reason }) => `${reason}: ${cause}`),
    /** Nothing is left of the sessions. */
    isClean: () => {
      assert.deepEqual(worker.kernel.openDescriptors, [])
      assert.deepEqual(
        [worker.loop.watchCount, worker.loop.timers.count, worker.parts.blocks.held],
        [0, 0, 0],
      )
    },
  }
}

test('the client gets the greeting of the server, and its early bytes follow the handshake', () => {
  const { connect, isClean, says, text, worker } = openingWorld('smtp')
  const { client, got } = connect('HELO early\r\n')
  for (const [i, answer] of SMTP.entries()) {
    assert.deepEqual([worker.phases, got()], [['dialling'], ''], `${i}`)
    says(answer)
  }
  assert.deepEqual([worker.phases, got()], [['relaying'], SMTP[0]])
  assert.equal(text(), `${ASKED}<tls>HELO early\r\n`)
  says('250 hello\r\n')
  client.arrive(Buffer.from('QUIT\r\n'))
  worker.turn()
  assert.deepEqual([got(), text()], [`${SMTP[0]}250 hello\r\n`, `${ASKED}<tls>HELO early\r\nQUIT\r\n`])
  worker.leave(client)
  isClean()
})

test('answers may arrive in any parts, and requests leave in any', () => {
  for (const sendCapacity of [1, 3, 65_536]) {
    for (const [i, answer] of SMTP.entries()) {
      for (const parts of atEveryByte(Buffer.from(answer))) {
        const { got, says, text, worker } = withClient(openingWorld('smtp', { sendCapacity }))
        for (const [nth, whole] of SMTP.entries()) {
          for (const part of nth === i ? parts : [Buffer.from(whole)]) says(Buffer.from(part).toString())
          for (let turns = 0; turns < 20; turns++) worker.turn()
        }
        assert.deepEqual([worker.phases, got(), text()], [['relaying'], SMTP[0], `${ASKED}<tls>`])
      }
    }
  }
})

function withClient(world: ReturnType<typeof openingWorld>) {
  return { ...world, ...world.connect() }
}

test('a protocol without a greeting passes nothing on', () => {
  const { got, says, text, worker } = withClient(openingWorld('ldap'))
  says('\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00')
  assert.deepEqual([worker.phases, got()], [['relaying'], ''])
  assert.equal(worker.parts.blocks.held, 0)
  assert.ok(text()?.endsWith('1.3.6.1.4.1.1466.20037<tls>'))
})

test('a server that refuses or breaks the protocol gets nothing more, and another one follows', () => {
  const cases = [
    ['554 no\r\n', 'STARTTLS was refused: greeting: "554 no"', ''],
    [`${SMTP[0]}250 injected\r\n`, 'STARTTLS failed: more bytes behind the greeting', ''],
    ['SSH-2.0-x\r\n', 'STARTTLS failed: bad greeting: "SSH-2.0-x\\x0d\\x0a"', ''],
  ] as const
  for (const [said, why, sent] of cases) {
    const { client, ended, got, isClean, says, text, world, worker } = withClient(
      openingWorld('smtp', { max: [1_000, 1_000] }),
    )
    says(said)
    assert.equal(world.connections[0]?.socket.isClosed, true)
    assert.equal(text(0), sent, 'and not in the plain')
    for (const answer of SMTP) says(answer, 1)
    assert.deepEqual([worker.phases, got()], [['relaying'], SMTP[0]], why)
    assert.equal(worker.parts.health.isFailing(0), true)
    worker.leave(client)
    assert.deepEqual(world.ended[0]?.failedAttempts, 'remote 0:starttls')
    assert.deepEqual(ended(), ['client-reset: connection reset by peer'])
    isClean()
    // Alone it is the reason why the client gets nothing.
    const alone = withClient(openingWorld('smtp'))
    alone.says(said)
    assert.deepEqual(alone.ended(), [`no-remote: ${why}`])
    alone.isClean()
  }
})

test('bytes behind the consent to TLS are no part of TLS', () => {
  for (const [protocol, before, consent] of [
    ['smtp', SMTP.slice(0, 2), SMTP[2]],
    ['imap', ['* OK hi\r\n'], 'a OK go\r\n'],
    ['pop3', ['+OK hi\r\n'], '+OK go\r\n'],
    ['ftp', ['220 hi\r\n'], '234 go\r\n'],
    ['ldap', [], '\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00'],
    ['postgres', [], 'S'],
    ['xmpp', ['<a><stream:features><starttls/></stream:features>'], '<proceed/>'],
  ] as const) {
    const { ended, got, isClean, says, text } = withClient(openingWorld(protocol))
    for (const answer of before) says(answer)
    says(`${consent}injected`)
    assert.match(ended()[0] ?? '', /^no-remote: STARTTLS failed: more bytes behind the answer to /, protocol)
    assert.equal(got(), '')
    assert.ok(!text()?.includes('<tls>'))
    isClean()
  }
})

test('a server that closes, resets or is silent in the opening has failed', () => {
  const closing = withClient(openingWorld('smtp'))
  closing.says(SMTP[0])
  closing.socket().arriveEnd()
  closing.worker.turn()
  assert.deepEqual(closing.ended(), ['no-remote: STARTTLS failed: closed before the answer to EHLO'])
  const resetting = withClient(openingWorld('smtp'))
  resetting.says('220-')
  resetting.socket().arriveReset(ECONNRESET)
  resetting.worker.turn()
  assert.deepEqual(resetting.ended(), ['no-remote: connection reset by peer'])
  const silent = withClient(openingWorld('smtp', { options: { connectTimeoutMs: 500 } }))
  silent.says('220-')
  silent.world.pass(501)
  assert.deepEqual(silent.ended(), ['no-remote: STARTTLS failed: no greeting in time'])
  for (const world of [closing, resetting, silent]) world.isClean()
})

test('a client that leaves during the opening ends it', () => {
  const { client, ended, isClean, says, worker } = withClient(openingWorld('smtp'))
  says(SMTP[0])
  worker.leave(client)
  assert.deepEqual(ended(), ['client-left: connection reset by peer'])
  isClean()
})

test('the header of the PROXY protocol precedes the opening', () => {
  const options = { ...PLAIN_REMOTE, sendProxy: { version: 'v1', tlvs: [] } as const }
  const { connect, says, text } = openingWorld('postgres', { remote: { options } })
  connect('early')
  assert.match(text() ?? '', /^PROXY TCP4 \S+ \S+ \d+ \d+\r\n\0\0\0\x08\x04.\x16\/$/s)
  says('S')
  assert.ok(text()?.endsWith('/<tls>early'))
})

test('of several addresses only the one that is connected first has an opening', () => {
  const silent = openingWorld('smtp', { addresses: 3 })
  silent.world.isSilent = true
  const { got, says, text, world, worker } = withClient(silent)
  world.pass(251)
  worker.answer(world.connections[1]?.socket)
  world.pass(600)
  assert.equal(world.connections.length, 2, 'a connected attempt is not raced any more')
  for (const answer of SMTP) says(answer, 1)
  assert.deepEqual([text(0), text(1), got()], ['', `${ASKED}<tls>`, SMTP[0]])
})

test('of a hedged attempt only the one that is connected first has an opening', () => {
  const hedging = new Hedging({ afterMs: 50 }, new RetryBudget(0, 100))
  const silent = openingWorld('smtp', { max: [10, 10], hedging })
  silent.world.isSilent = true
  const { got, says, text, world, worker } = withClient(silent)
  world.pass(51)
  worker.answer(world.connections[1]?.socket)
  assert.equal(world.connections[0]?.socket.isClosed, true)
  for (const answer of SMTP) says(answer, 1)
  assert.deepEqual([text(0), text(1), got()], ['', `${ASKED}<tls>`, SMTP[0]])
})
