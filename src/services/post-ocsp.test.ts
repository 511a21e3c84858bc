import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { afterwards } from '../../test/harness/clean-up.js'
import { anyCuts, cutAt } from '../../test/support/cuts.js'
import { Responder } from '../../test/support/ocsp.js'
import { postOcsp } from './post-ocsp.js'

const REQUEST = Buffer.from('a request')

const ask = (url: string, ended = new AbortController(), answerMaxMs?: number) =>
  postOcsp(url, REQUEST, ended.signal, answerMaxMs)

/** Starts a TCP server that does not speak HTTP; returns its URL. */
async function serverThat(t: TestContext, behave: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    behave(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  afterwards(t, async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`
}

test('posts the request and returns the response', async (t) => {
  const responder = await new Responder().start(t)
  responder.answer = () => Buffer.from('an answer')
  assert.deepEqual(await ask(responder.url), new Uint8Array(Buffer.from('an answer')))
  assert.deepEqual(responder.requests, [REQUEST])
})

test('rejects with a reason without a usable response', async (t) => {
  const responder = await new Responder().start(t)
  responder.answer = () => 404
  await assert.rejects(ask(responder.url), { message: 'HTTP status 404' })
  responder.answer = () => Buffer.alloc(65 * 1024)
  await assert.rejects(ask(responder.url), { message: 'the answer is longer than 65536 bytes' })
  const garbage = await serverThat(t, (socket) => socket.end('no HTTP at all\r\n\r\n'))
  await assert.rejects(ask(garbage), /Parse Error/)
  const deaf = await serverThat(t, (socket) => socket.resetAndDestroy())
  await assert.rejects(ask(deaf), /ECONNRESET|socket hang up/)
  const cut = await serverThat(t, (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'))
  await assert.rejects(ask(cut), /aborted/)
})

test('times out on a silent or slow responder', async (t) => {
  const silent = await serverThat(t, () => {})
  await assert.rejects(ask(silent, undefined, 50), { message: 'no answer within 0.05 s' })
  const slow = await serverThat(t, (socket) =>
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
  )
  await assert.rejects(ask(slow, undefined, 50), { message: 'no answer within 0.05 s' })
})

test('aborts the request when ended', async (t) => {
  const ended = new AbortController()
  const url = await serverThat(t, () => ended.abort())
  await assert.rejects(ask(url, ended), { name: 'AbortError' })
})

const HEADS = [
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.0 200\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n',
  'HTTP/1.1 204 No Content\r\n',
  'HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n',
  `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}\r\n`,
  '\0\xff\r\n',
]
const BODIES = [
  'Content-Length: 5\r\n\r\nbytes',
  'Transfer-Encoding: chunked\r\n\r\n5\r\nbytes\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nbytes',
  'Content-Length: 99999999999999999999\r\n\r\nbytes',
  `Content-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`,
  '\r\nbytes',
]

test('returns or rejects for any bytes in any chunks', async (t) => {
  let response: Uint8Array[] = []
  const url = await serverThat(t, (socket) => {
    for (const piece of response) socket.write(piece)
    socket.end()
  })
  const outcomeOf = async (pieces: Uint8Array[]) => {
    response = pieces
    return ask(url, undefined, 2_000).then(
      (bytes) => Buffer.from(bytes).toString(),
      (error: unknown) => error instanceof Error && 'no answer',
    )
  }
  const responses = fc
    .tuple(fc.constantFrom(...HEADS), fc.constantFrom(...BODIES))
    .map((parts) => parts.join(''))
  await fc.assert(
    fc.asyncProperty(responses, anyCuts, async (text, cuts) => {
      const bytes = Buffer.from(text, 'latin1')
      assert.equal(await outcomeOf(cutAt(bytes, cuts)), await outcomeOf([bytes]))
    }),
    { numRuns: 40 },
  )
})
