import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atEveryByte } from '../../../test/support/cuts.js'
import { type QueueOptions, QueueWorld } from '../../../test/support/queue-world.js'
import { clientOpening } from '../../wire/starttls/client-opening.js'

const latin = (text: string) => Buffer.from(text, 'latin1')
const latinText = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

function packet(number: number, payload: string): string {
  return `${String.fromCharCode(payload.length)}\0\0${String.fromCharCode(number)}${payload}`
}

/** The capabilities of the server, with and without CLIENT_SSL. */
const greeting = (capabilities: string) =>
  packet(0, `\x0a11.4\0\x01\0\0\0challeng\0${capabilities}\x21\x02\0more`)
const GREETING = greeting('\xfe\xff')
const PLAIN_GREETING = greeting('\xfe\xf7')

const head = (second: string) => `\x85${second}\x1f\0\0\0\0\x01\x21${'\0'.repeat(23)}`
const LOGIN = packet(1, `${head('\xa2')}joe\0`)
const REQUEST = packet(1, head('\xaa'))
const TLS_LOGIN = packet(2, `${head('\xaa')}joe\0`)
const SWITCH = '\xfemethod\0challenge\0'
const OK = '\0\0\0\x02\0\0\0'
const QUERY = packet(0, '\x03select 1')

function session(more: Partial<QueueOptions> = {}) {
  const opening = clientOpening({ protocol: 'mysql', name: '' })
  const world = new QueueWorld({ max: [10], opening, ...more })
  const worker = world.worker()
  const client = worker.connect()
  let got = ''
  const onBytes = (bytes: Uint8Array) => {
    got += latinText(bytes)
  }
  client.peer = { onBytes, onEnd: () => {}, onReset: () => {} }
  return {
    client,
    worker,
    world,
    sends: (text: string) => {
      if (text !== '') client.arrive(latin(text))
      worker.turn()
    },
    says: (text: string) => {
      if (text !== '') world.connections[0]?.socket.arrive(latin(text))
      worker.turn()
    },
    got: () => got,
    text: () => world.connections[0]?.text,
    ended: () => world.ended.map(({ cause, reason }) => `${reason}: ${cause}`),
    isClean: () => {
      assert.deepEqual(worker.kernel.openDescriptors, [])
      assert.deepEqual(
        [worker.loop.watchCount, worker.loop.timers.count, worker.parts.blocks.held],
        [0, 0, 0],
      )
    },
  }
}

test('a login with another method, and a query after it', () => {
  const { client, got, isClean, says, sends, text, worker } = session()
  says(GREETING)
  assert.deepEqual([got(), text(), worker.phases], [PLAIN_GREETING, '', ['dialling']])
  sends(LOGIN)
  assert.deepEqual([text(), worker.phases], [`${REQUEST}<tls>${TLS_LOGIN}`, ['relaying']])
  says(packet(3, SWITCH))
  sends(packet(3, 'password'))
  says(packet(5, OK))
  assert.equal(got(), `${PLAIN_GREETING}${packet(2, SWITCH)}${packet(4, OK)}`)
  sends(QUERY)
  assert.equal(text(), `${REQUEST}<tls>${TLS_LOGIN}${packet(4, 'password')}${QUERY}`)
  says(packet(1, OK))
  assert.ok(got().endsWith(packet(1, OK)))
  worker.leave(client)
  isClean()
})

test('a login and its result in any parts', () => {
  for (const parts of atEveryByte(latin(LOGIN))) {
    const { got, says, sends, text } = session()
    says(GREETING)
    for (const part of parts) sends(latinText(part))
    assert.equal(text(), `${REQUEST}<tls>${TLS_LOGIN}`)
    const result = packet(3, OK)
    for (const part of parts.length > 2 ? result : [result]) says(part)
    sends(QUERY)
    assert.equal(got(), `${PLAIN_GREETING}${packet(2, OK)}`)
    assert.equal(text(), `${REQUEST}<tls>${TLS_LOGIN}${QUERY}`)
  }
})

test('with the greeting the client is bound to its remote', () => {
  const { ended, got, isClean, says, world, worker } = session({ max: [10, 10] })
  says(GREETING)
  assert.equal(got(), PLAIN_GREETING)
  world.connections[0]?.socket.arriveReset()
  worker.turn()
  assert.deepEqual(ended(), ['no-remote: connection reset by peer'])
  assert.equal(world.connections.length, 1)
  assert.equal(worker.parts.health.isFailing(0), true)
  isClean()
})

test('without it the client gets another remote', () => {
  const { got, says, world, worker } = session({ max: [10, 10] })
  says(PLAIN_GREETING)
  assert.equal(world.connections.length, 2)
  world.connections[1]?.socket.arrive(latin(GREETING))
  worker.turn()
  assert.equal(got(), PLAIN_GREETING)
})

test('a client that sends no login ends its session, and that is not the fault of the remote', () => {
  const cases: readonly (readonly [send: (one: ReturnType<typeof session>) => void, end: string])[] = [
    [
      ({ sends }) => sends('GET / HTTP/1.1\r\nHost: example.com\r\n\r\n'),
      'bad-greeting: the client sent no login of MySQL',
    ],
    [({ sends }) => sends(REQUEST), 'bad-greeting: the client sent no login of MySQL'],
    [({ world }) => world.pass(501), 'bad-greeting: the client sent no login in time'],
    [({ client, worker }) => worker.leave(client), 'client-left: connection reset by peer'],
    [
      ({ client, worker }) => {
        client.arrive(latin(LOGIN.slice(0, 20)))
        client.arriveEnd()
        worker.turn()
      },
      'bad-greeting: the client left before its login',
    ],
  ]
  for (const [send, end] of cases) {
    const one = session({ options: { connectTimeoutMs: 500 } })
    one.says(GREETING)
    send(one)
    assert.deepEqual(one.ended(), [end])
    assert.equal(one.worker.parts.health.isFailing(0), false)
    one.isClean()
  }
})

test('bytes behind the greeting are no part of TLS', () => {
  const { ended, got, says } = session()
  says(`${GREETING}${packet(2, OK)}`)
  assert.deepEqual([ended(), got()], [['no-remote: STARTTLS failed: more bytes behind the greeting'], ''])
})
