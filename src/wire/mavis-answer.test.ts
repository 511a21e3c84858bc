import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyCuts, atEveryByte, cutAt } from '../../test/support/cuts.js'
import { AV, SENT_ATTRIBUTES } from '../base/mavis-attributes.js'
import { AnswerReader, type AnswerReading, encodeQuery, TEXT_BYTES_MAX } from './mavis-answer.js'
import { encodeLines } from './mavis-lines.js'

const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'))

function readWhole(text: string): AnswerReading {
  return new AnswerReader().push(bytesOf(text))
}

/** Feeds the bytes in chunks until the reader returns a result. */
function readInPieces(bytes: Uint8Array, sizes: readonly number[]): AnswerReading {
  const reader = new AnswerReader()
  let reading: AnswerReading = { kind: 'need-more' }
  for (let at = 0, turn = 0; at < bytes.length && reading.kind === 'need-more'; turn++) {
    const size = sizes[turn % sizes.length] as number
    reading = reader.push(bytes.subarray(at, at + size))
    at += size
  }
  return reading
}

function valuesOf(entries: Iterable<readonly [number: number, value: string]>): (string | undefined)[] {
  const values: (string | undefined)[] = []
  for (const [number, value] of entries) values[number] = value
  return values
}

test('encodes a query as the original does', () => {
  const values = valuesOf([
    [AV.TYPE, 'TACPLUS'],
    [AV.TIMESTAMP, 't1'],
    [AV.USER, 'joe'],
    [AV.PASSWORD, 'pa ss'],
    [AV.SERIAL, 'q5WWWkgGInpWOUrN3i4xNA='],
    [AV.TACTYPE, 'AUTH'],
  ])
  assert.equal(
    encodeQuery(values),
    '0 TACPLUS\n3 t1\n4 joe\n8 pa ss\n21 q5WWWkgGInpWOUrN3i4xNA=\n49 AUTH\n=\n',
  )
})

test('decodes an answer as the original does', () => {
  const text = '0 TACPLUS\n3 t1\n4 joe\n6 ACK\n17 two\rlines\n21 q5WW=\n49 AUTH\n=0\n'
  const reading = readWhole(text)
  assert.ok(reading.kind === 'answer')
  assert.equal(reading.code, 0)
  assert.equal(reading.surplusBytes, 0)
  assert.equal(reading.values[AV.COMMENT], 'two\nlines')
  assert.equal(reading.values[AV.SERIAL], 'q5WW=')
})

const CODES = [
  { text: '=16', code: 16 },
  { text: '=-1', code: -1 },
  { text: '=16-3', code: 16 },
  { text: '=--5', code: undefined },
  { text: '=007', code: 7 },
]

for (const { code, text } of CODES) {
  test(`reads a code like atoi(3): ${text}`, () => {
    const reading = readWhole(`4 joe\n${text}\n`)
    assert.ok(reading.kind === 'answer')
    assert.equal(reading.code, code)
  })
}

test('detects a malformed answer at its first wrong byte', () => {
  for (const text of [
    '=0\n',
    '\n',
    'hello',
    ' 4 joe\n',
    '4 joe\n=\n',
    '4 joe\n=x\n',
    '4 joe\n=0-\n',
    '4 joe\n=0\r\n',
    '4 joe\n\n=0\n',
    '99 joe\n=0\n',
    '4joe\n=0\n',
  ])
    assert.equal(readWhole(text).kind, 'malformed', JSON.stringify(text))
  for (const text of ['', '4', '4 joe', '4 joe\n', '4 joe\n=', '4 joe\n=0'])
    assert.equal(readWhole(text).kind, 'need-more', JSON.stringify(text))
})

test('returns the first malformed line', () => {
  for (const [text, line] of [
    ['hello world\n', 'hello world'],
    ['4 joe\nhel', 'hel'],
    ['=0\n', '=0'],
    ['4 joe\n6 ACK\n=ok\n', '=ok'],
    ['4 joe\n6 ACK\r\n=0\r\n', '=0\r'],
    ['4 joe\n99 x\n6 ACK\n=0\n', '99 x'],
    ['4 joe\n\n=0\n', ''],
  ] as const) {
    const reader = new AnswerReader()
    assert.equal(reader.push(bytesOf(text)).kind, 'malformed')
    assert.equal(reader.badLine, line)
  }
})

test('counts bytes after an answer', () => {
  const reading = readWhole('4 joe\n=0\n4 joe\n=0\n')
  assert.ok(reading.kind === 'answer')
  assert.equal(reading.surplusBytes, '4 joe\n=0\n'.length)
})

test('limits an answer to the size of a query', () => {
  const of = (byteLength: number) => {
    const end = '\n=0\n'
    return bytesOf(`4 ${'x'.repeat(byteLength - '4 '.length - end.length)}${end}`)
  }
  for (const sizes of [[TEXT_BYTES_MAX * 2], [1_000], [TEXT_BYTES_MAX - 1, 1]]) {
    assert.equal(readInPieces(of(TEXT_BYTES_MAX), sizes).kind, 'answer', `${sizes}`)
    assert.equal(readInPieces(of(TEXT_BYTES_MAX + 1), sizes).kind, 'too-long', `${sizes}`)
  }
})

test('reads several answers in a row', () => {
  const reader = new AnswerReader()
  for (const user of ['joe', 'a much longer name', 'x']) {
    const reading = reader.push(bytesOf(`4 ${user}\n=0\n`))
    assert.ok(reading.kind === 'answer')
    assert.deepEqual(reading.values, valuesOf([[AV.USER, user]]))
    reader.clear()
  }
})

const byte = fc.integer({ min: 0, max: 255 })
const value = fc.array(byte, { maxLength: 40 }).map((codes) => String.fromCharCode(...codes))
const entries = fc.array(fc.tuple(fc.integer({ min: 0, max: SENT_ATTRIBUTES - 1 }), value), { minLength: 1 })
const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 })

test('gives the same answer for any chunks', () => {
  fc.assert(
    fc.property(entries, fc.nat({ max: 99 }), sizes, (entries, code, sizes) => {
      const sent = valuesOf(entries.map(([number, value]) => [number, value.replaceAll('\r', '')]))
      const reading = readInPieces(bytesOf(`${encodeLines(sent)}=${code}\n`), sizes)
      assert.deepEqual(reading, { kind: 'answer', values: sent, code, surplusBytes: 0 })
    }),
  )
})

/** Bytes that reach deep paths of the reader. */
const nearly = fc
  .array(fc.oneof(fc.constantFrom('4 ', 'joe', '\n', '=', '=0\n', '21 x\n', '-', '0', '\r', '\0'), value))
  .map((parts) => bytesOf(parts.join('')))

test('gives the same reading for any bytes in any chunks', () => {
  fc.assert(
    fc.property(fc.oneof(nearly, fc.uint8Array()), sizes, (bytes, sizes) => {
      const whole = bytes.length === 0 ? { kind: 'need-more' } : new AnswerReader().push(bytes)
      const pieces = readInPieces(bytes, sizes)
      if (whole.kind === 'answer')
        assert.deepEqual({ ...pieces, surplusBytes: 0 }, { ...whole, surplusBytes: 0 })
      else assert.equal(pieces.kind, whole.kind)
    }),
    { numRuns: 2_000 },
  )
})

test('accepts chunks that end at any byte', () => {
  for (const text of ['4 joe\n6 ACK\n21 s=\n=16\n4 ', '4 joe\nno line\n=0\n', '=0\n', '4 joe\n=x\n=0\n']) {
    const bytes = bytesOf(text)
    const whole = new AnswerReader().push(bytes)
    for (const pieces of atEveryByte(bytes)) {
      const reading = readChunks(pieces)
      if (whole.kind === 'answer' && reading.kind === 'answer')
        assert.deepEqual({ ...reading, surplusBytes: 0 }, { ...whole, surplusBytes: 0 })
      else assert.equal(reading.kind, whole.kind)
    }
  }
})

/** Lines of lengths around the limit of an answer. */
const long = fc
  .array(
    fc.tuple(
      fc.constantFrom('4 ', '6 ', '', '='),
      fc.constantFrom(0, 1, 30_000, TEXT_BYTES_MAX - 9, TEXT_BYTES_MAX),
    ),
    { maxLength: 4 },
  )
  .map((lines) =>
    bytesOf(`${lines.map(([start, length]) => `${start}${'7'.repeat(length)}\n`).join('')}=0\n`),
  )

test('gives the same reading for answers of any size in any chunks', () => {
  fc.assert(
    fc.property(long, anyCuts, (bytes, cuts) => {
      assert.equal(readChunks(cutAt(bytes, cuts)).kind, new AnswerReader().push(bytes).kind)
    }),
  )
})

test('gives up an endless answer at the limit and buffers no more', () => {
  const reader = new AnswerReader()
  let pushed = 0
  const readings = new Set<string>()
  for (const size of [...Array.from({ length: 100 }, () => 1_000), 1, 10_000_000, 1]) {
    readings.add(reader.push(new Uint8Array(size).fill(0x37)).kind)
    pushed += size
    assert.equal(readings.has('too-long'), pushed > TEXT_BYTES_MAX)
    assert.ok(reader.badLine.length <= TEXT_BYTES_MAX)
  }
})

function readChunks(pieces: readonly Uint8Array[]): AnswerReading {
  const reader = new AnswerReader()
  let reading: AnswerReading = { kind: 'need-more' }
  for (const piece of pieces) if (reading.kind === 'need-more') reading = reader.push(piece)
  return reading
}
