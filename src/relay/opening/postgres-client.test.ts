import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atEveryByte } from '../../../test/support/cuts.js'
import { QueueWorld } from '../../../test/support/queue-world.js'
import { clientOpening } from '../../wire/starttls/client-opening.js'

const latin = (text: string) => Buffer.from(text, 'latin1')
const latinText = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

const SSL = '\0\0\0\x08\x04\xd2\x16\x2f'
const GSS = '\0\0\0\x08\x04\xd2\x16\x30'
const START = '\0\0\0\x11\0\x03\0\0user\0joe\0\0'
const CANCEL = '\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x01\0\0\0\x02'
const OFFER = 'R\0\0\0\x2a\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0'
const WITHOUT_PLUS = 'R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0'

/** A session with a server that has agreed to TLS. */
function session(early = '') {
  const world = new QueueWorld({ max: [10], opening: clientOpening({ protocol: 'postgres', name: '' }) })
  const worker = world.worker()
  const client = worker.connect('tcp', early)
  let got = ''
  const onBytes = (bytes: Uint8Array) => {
    got += Buffer.from(bytes).toString('latin1')
  }
  client.peer = { onBytes, onEnd: () => {}, onReset: () => {} }
  const [connection] = world.connections
  assert.ok(connection)
  const arrives = (socket: typeof client, text: string) => {
    if (text !== '') socket.arrive(latin(text))
    worker.turn()
  }
  connection.text = ''
  arrives(connection.socket, 'S')
  return {
    client,
    worker,
    world,
    sends: (text: string) => arrives(client, text),
    says: (text: string) => arrives(connection.socket, text),
    got: () => got,
    /** Behind the handshake. */
    text: () => connection.text.replace('<tls>', ''),
  }
}

test('requests for encryption are denied, and do not reach the server', () => {
  const { got, sends, text } = session()
  sends(GSS)
  assert.deepEqual([got(), text()], ['N', ''])
  sends(SSL)
  assert.deepEqual([got(), text()], ['NN', ''])
  sends(START)
  assert.deepEqual([got(), text()], ['NN', START])
  sends(SSL.slice(0, 4))
  assert.deepEqual([got(), text()], ['NN', `${START}${SSL.slice(0, 4)}`], 'later ones are not looked at')
})

test('a request that came before the server was connected is denied', () => {
  const { got, sends, text } = session(SSL)
  assert.deepEqual([got(), text()], ['N', ''])
  sends(START)
  assert.deepEqual([got(), text()], ['N', START])
})

test('first bytes in any parts', () => {
  for (const parts of atEveryByte(latin(SSL))) {
    const { got, sends, text } = session()
    for (const part of parts) sends(latinText(part))
    assert.deepEqual([got(), text()], ['N', ''])
  }
  for (const first of [START, CANCEL, 'GET / HTTP/1.0\r\n\r\n']) {
    for (const parts of atEveryByte(latin(first))) {
      const { got, sends, text } = session()
      for (const part of parts) sends(latinText(part))
      assert.deepEqual([got(), text()], ['', first])
    }
  }
})

test('what follows a request without an answer goes to the server with it, which rejects it', () => {
  const { got, sends, text } = session()
  sends(`${SSL}${START}`)
  assert.deepEqual([got(), text()], ['', `${SSL}${START}`])
})

test('a client that ends in the middle of a request', () => {
  const { client, text, worker, world } = session()
  client.arrive(latin(SSL.slice(0, 5)))
  client.arriveEnd()
  for (let turns = 0; turns < 5; turns++) worker.turn()
  assert.equal(text(), SSL.slice(0, 5))
  world.connections[0]?.socket.arriveEnd()
  worker.turn()
  assert.deepEqual(
    world.ended.map(({ reason }) => reason),
    ['done'],
  )
  assert.equal(worker.parts.blocks.held, 0)
})

test('SCRAM with channel binding is not offered to a client without TLS', () => {
  for (const before of ['', 'v\0\0\0\x0c\0\x03\0\0\0\0\0\0']) {
    for (const parts of atEveryByte(latin(`${before}${OFFER}`))) {
      const { got, says, sends } = session()
      sends(START)
      for (const part of parts) says(latinText(part))
      assert.equal(got(), `${before}${WITHOUT_PLUS}`)
      says(OFFER)
      assert.equal(got(), `${before}${WITHOUT_PLUS}${OFFER}`, 'later ones are not looked at')
    }
  }
})

test('other first messages of a server are passed on as they are', () => {
  for (const message of [
    'E\0\0\0\x08no!\0',
    'R\0\0\0\x08\0\0\0\0',
    'R\0\0\0\x0c\0\0\0\x05salt',
    WITHOUT_PLUS,
    'R\0\0\0\x04',
    'R\xff\xff\xff\xff',
    'HTTP/1.1 400\r\n',
  ]) {
    for (const parts of atEveryByte(latin(message))) {
      const { got, says, sends } = session()
      sends(START)
      for (const part of parts) says(latinText(part))
      assert.equal(got(), message)
    }
  }
})

test('a server that ends in the middle of its first message', () => {
  const { got, says, sends, worker, world } = session()
  sends(START)
  says(OFFER.slice(0, 7))
  assert.equal(got(), '')
  world.connections[0]?.socket.arriveEnd()
  for (let turns = 0; turns < 5; turns++) worker.turn()
  assert.equal(got(), OFFER.slice(0, 7))
})
