import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyCuts, cutAt } from '../../test/support/cuts.js'
import { type HttpResponse, type ResponseReading, readResponse } from './http-response.js'

const OPTIONS = { hasEnded: false, isHead: false, bodyMax: 65_536 }

const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'))
const textOf = ({ body }: HttpResponse) => Buffer.from(body).toString('latin1')

/** What is read when the bytes arrive in pieces: the first final reading. */
function readInPieces(chunks: readonly Uint8Array[], isHead = false): ResponseReading {
  let reading: ResponseReading = { kind: 'need-more' }
  let bytes = new Uint8Array(0)
  for (const chunk of chunks) {
    bytes = Uint8Array.from([...bytes, ...chunk])
    reading = readResponse(bytes, { ...OPTIONS, isHead })
    if (reading.kind === 'malformed' || (reading.kind === 'response' && reading.isWhole)) return reading
  }
  return readResponse(bytes, { ...OPTIONS, isHead, hasEnded: true })
}

const body = fc.string({ unit: 'binary-ascii', maxLength: 300 })
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })

function chunked(text: string, parts: readonly number[]): string {
  let framed = ''
  for (let at = 0, turn = 0; at < text.length; turn++) {
    const part = text.slice(at, at + (parts[turn % parts.length] ?? 1))
    framed += `${part.length.toString(16)}\r\n${part}\r\n`
    at += part.length
  }
  return `${framed}0\r\n\r\n`
}

test('reads status and body however the response is framed and cut', () => {
  const framings = fc.constantFrom('length', 'chunked', 'close')
  const interim = fc.constantFrom(
    '',
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n',
  )
  fc.assert(
    fc.property(
      interim,
      fc.integer({ min: 200, max: 999 }),
      framings,
      body,
      sizes,
      anyCuts,
      (before, status, framing, text, parts, cuts) => {
        const framed = {
          length: `Content-Length: ${text.length}\r\n\r\n${text}`,
          chunked: `Transfer-Encoding: chunked\r\n\r\n${chunked(text, parts)}`,
          close: `\r\n${text}`,
        }[framing]
        const bytes = bytesOf(`${before}HTTP/1.1 ${status} Reason\r\nServer: test\r\n${framed}`)
        const reading = readInPieces(cutAt(bytes, cuts))
        assert.ok(reading.kind === 'response' && reading.isWhole)
        assert.equal(reading.status, status)
        assert.equal(textOf(reading), status === 204 || status === 304 ? '' : text)
      },
    ),
  )
})

test('a malformed response is found however it is cut, and a part of a good one is not malformed', () => {
  const any = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .array(
        fc.constantFrom(
          'HTTP/1.1',
          ' ',
          '200',
          '\r\n',
          '\n',
          ':',
          'a',
          'Content-Length: ',
          '1',
          'Transfer-Encoding: chunked',
          'ffffffff',
          '\r\n\r\n',
        ),
        { maxLength: 20 },
      )
      .map((parts) => bytesOf(parts.join(''))),
  )
  fc.assert(
    fc.property(any, anyCuts, (bytes, cuts) => {
      const whole = readInPieces([bytes])
      assert.deepEqual(readInPieces(cutAt(bytes, cuts)), whole)
      const isGood = whole.kind !== 'malformed'
      for (let length = 0; isGood && length < bytes.length; length++)
        assert.notEqual(readResponse(bytes.subarray(0, length), OPTIONS).kind, 'malformed')
    }),
  )
})

test('the answer to HEAD has no body', () => {
  const reading = readInPieces([bytesOf('HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n')], true)
  assert.ok(reading.kind === 'response' && reading.isWhole)
})
