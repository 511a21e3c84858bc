import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { conversationOf, floods, type Serve, SILENT, serverThat } from '../../test/support/checked.js'
import { anyCuts, cutAt } from '../../test/support/cuts.js'
import { ANSWER_BYTES_MAX, Conversation } from './conversation.js'
import { ProbeFailure } from './probe-failure.js'

const bytesOf = (text: string) => Buffer.from(text, 'latin1')
const failure = (message: string) => (error: unknown) =>
  error instanceof ProbeFailure && assert.equal(error.message, message) === undefined

async function talkTo(t: TestContext, serve: Serve): Promise<Conversation> {
  const address = await serverThat(t, serve)
  if (address.family === 'unix') throw new Error('not by IP')
  const socket = connect(address.port, address.host)
  await once(socket, 'connect')
  const talk = new Conversation(socket)
  t.after(() => talk.close())
  return talk
}

test('lines and bytes are taken in order, however they are cut', async () => {
  const line = fc.stringMatching(/^[ -~]{0,20}$/)
  const end = fc.constantFrom('\n', '\r\n')
  const part = fc.oneof(
    fc.tuple(line, end).map(([text, lineEnd]) => ({ isLine: true, text, sent: text + lineEnd })),
    fc.string({ unit: 'binary-ascii', maxLength: 30 }).map((text) => ({ isLine: false, text, sent: text })),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 8 }), anyCuts, async (parts, cuts) => {
      const talk = conversationOf(cutAt(bytesOf(parts.map(({ sent }) => sent).join('')), cuts))
      for (const { isLine, text } of parts) {
        const answer = isLine ? talk.line('line') : talk.bytes('bytes', text.length)
        assert.equal((await answer).toString('latin1'), text)
      }
      await assert.rejects(talk.line('end'), failure('it closed the connection before the end'))
    }),
  )
})

test('an answer may end with the connection', async () => {
  const talk = conversationOf(['one ', 'two'])
  const rest = await talk.answer('rest', (bytes, hasEnded) => (hasEnded ? bytes.byteLength : undefined))
  assert.equal(rest.toString(), 'one two')
})

test('bytes that are not UTF-8 are replaced in a line', async () => {
  assert.equal(await conversationOf([bytesOf('a\xff\n')]).line('line'), 'a\ufffd')
})

test('a flood without an end fails', async (t) => {
  const talk = await talkTo(t, floods('x'))
  const message = `more than ${ANSWER_BYTES_MAX / 1024} KiB without the end of the line`
  await assert.rejects(talk.line('line'), failure(message))
  await assert.rejects(talk.bytes('byte', ANSWER_BYTES_MAX * 2), failure(message), 'and it stays so')
})

test('close and reset end what is awaited, and what will be', async (t) => {
  const closed = await talkTo(t, (socket) => socket.end('half'))
  await assert.rejects(closed.line('line'), failure('it closed the connection before the line'))
  assert.equal(Buffer.from(closed.received).toString(), 'half')
  const reset = await talkTo(t, (socket) => void socket.once('data', () => socket.resetAndDestroy()))
  reset.send('x')
  await assert.rejects(reset.line('line'), failure('the connection broke: connection reset by peer'))
  await assert.rejects(reset.line('next'), failure('the connection broke: connection reset by peer'))
})

test('the time limit names what is awaited', async (t) => {
  const talk = await talkTo(t, SILENT)
  const line = assert.rejects(talk.line('line'), failure('no line within 2 s'))
  talk.timeOut('2 s')
  await line
  const idle = await talkTo(t, SILENT)
  idle.timeOut('2 s')
  await assert.rejects(idle.line('line'), failure('no answer within 2 s'))
})

test('an error of the reader is thrown to the caller', async (t) => {
  const talk = await talkTo(t, (socket) => void socket.write('x'))
  const wrong = new ProbeFailure('wrong')
  const reader = () => {
    throw wrong
  }
  await assert.rejects(talk.answer('x', reader), (error) => error === wrong)
})
