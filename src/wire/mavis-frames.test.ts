import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyCuts, atEveryByte, cutAt } from '../../test/support/cuts.js'
import { AV, SENT_ATTRIBUTES } from '../base/mavis-attributes.js'
import { TEXT_BYTES_MAX } from './mavis-answer.js'
import { encodeFrame, FrameReader, type FrameReading } from './mavis-frames.js'

function valuesOf(entries: Iterable<readonly [number: number, value: string]>): (string | undefined)[] {
  const values: (string | undefined)[] = []
  for (const [number, value] of entries) values[number] = value
  return values
}

function frame(body: string, { magic = 0x4d610001, byteLength = body.length, result = 0 } = {}): Uint8Array {
  const bytes = Buffer.alloc(12 + body.length)
  for (const [at, word] of [magic, byteLength, result].entries()) bytes.writeUInt32BE(word, at * 4)
  bytes.write(body, 12, 'latin1')
  return bytes
}

function readInPieces(bytes: Uint8Array, sizes: readonly number[]): FrameReading[] {
  const reader = new FrameReader()
  const readings: FrameReading[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] as number
    readings.push(...reader.push(bytes.subarray(at, at + size)))
    at += size
  }
  return readings
}

test('encodes a query as the original does', () => {
  const bytes = encodeFrame(
    valuesOf([
      [AV.TYPE, 'TACPLUS'],
      [AV.USER, 'j\xf6e'],
    ]),
  )
  assert.equal(Buffer.from(bytes).toString('hex', 0, 12), '4d6100010000001000000000')
  assert.equal(Buffer.from(bytes).toString('latin1', 12), '0 TACPLUS\n4 j\xf6e\n')
})

test('accepts extra or missing line ends at the end', () => {
  for (const body of ['4 joe\n', '4 joe\n\n', '4 joe']) {
    const [reading] = new FrameReader().push(frame(body, { result: 16 }))
    assert.deepEqual(reading, { kind: 'frame', values: valuesOf([[AV.USER, 'joe']]), code: 16 })
  }
  assert.deepEqual(new FrameReader().push(frame('')), [{ kind: 'frame', values: [], code: 0 }])
})

test('detects a malformed frame by its head', () => {
  const head = (options: Parameters<typeof frame>[1]) => new FrameReader().push(frame('', options))
  assert.deepEqual(head({ magic: 0x4d610002 }), [{ kind: 'malformed' }])
  assert.deepEqual(head({ byteLength: TEXT_BYTES_MAX + 1 }), [{ kind: 'too-long' }])
  assert.deepEqual(head({ byteLength: 0xffff_ffff }), [{ kind: 'too-long' }])
  assert.deepEqual(head({ byteLength: TEXT_BYTES_MAX }), [])
  assert.deepEqual(new FrameReader().push(frame('no line')), [{ kind: 'malformed' }])
  assert.deepEqual(new FrameReader().push(frame('\n4 joe')), [{ kind: 'malformed' }])
})

const value = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 })
  .map((codes) => String.fromCharCode(...codes).replaceAll('\r', ''))
const entries = fc.array(fc.tuple(fc.integer({ min: 0, max: SENT_ATTRIBUTES - 1 }), value))
const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 })
const result = fc.nat({ max: 0xffff_ffff })

test('gives the same frames for any chunks', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(entries, result)), sizes, (sent, sizes) => {
      const frames = sent.map(([entries, code]) => ({ kind: 'frame', values: valuesOf(entries), code }))
      const bytes = Buffer.concat(frames.map(({ code, values }) => encodeFrame(values, code)))
      assert.deepEqual(readInPieces(bytes, sizes), frames)
    }),
  )
})

const nearly = fc
  .array(fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.constant(frame('4 joe\n')), fc.constant(frame('x'))))
  .map((parts) => new Uint8Array(Buffer.concat(parts)))

test('gives the same readings for any bytes in any chunks', () => {
  fc.assert(
    fc.property(nearly, sizes, (bytes, sizes) => {
      assert.deepEqual(readInPieces(bytes, sizes), new FrameReader().push(bytes))
    }),
    { numRuns: 2_000 },
  )
})

test('ignores all bytes after a malformed frame', () => {
  const heads = [frame('', { byteLength: 0xffff_ffff }), frame('', { magic: 1, byteLength: 0xffff_ffff })]
  for (const head of [...heads, Buffer.from('Traceback (most recent call last)')]) {
    const reader = new FrameReader()
    assert.equal(reader.push(head).length, 1)
    for (let i = 0; i < 3; i++) assert.deepEqual(reader.push(frame('4 joe\n')), [])
  }
})

test('accepts chunks that end at any byte', () => {
  const bytes = Buffer.concat([
    frame('4 joe\n'),
    frame(''),
    frame('6 ACK', { result: 16 }),
    frame('x'),
    frame('4 ann'),
  ])
  const whole = new FrameReader().push(bytes)
  assert.deepEqual(
    whole.map(({ kind }) => kind),
    ['frame', 'frame', 'frame', 'malformed'],
  )
  for (const pieces of atEveryByte(bytes)) {
    const reader = new FrameReader()
    assert.deepEqual(
      pieces.flatMap((piece) => reader.push(piece)),
      whole,
    )
  }
})

/** Lengths up to and beyond the limit, correct and wrong ones. */
const long = fc
  .array(
    fc.tuple(
      fc.constantFrom(0, 10, TEXT_BYTES_MAX - 1, TEXT_BYTES_MAX, TEXT_BYTES_MAX + 1),
      fc.constantFrom(0, 0, 0, 1, -3, 2 ** 31),
    ),
    { maxLength: 4 },
  )
  .map((sizes) =>
    Buffer.concat(
      sizes.map(([size, surplus]) =>
        frame(size < 3 ? '' : `4 ${'x'.repeat(size - 2)}`, { byteLength: Math.max(0, size + surplus) }),
      ),
    ),
  )

test('gives the same readings for frames of any size in any chunks', () => {
  fc.assert(
    fc.property(long, anyCuts, (bytes, cuts) => {
      const reader = new FrameReader()
      const readings = cutAt(bytes, cuts).flatMap((piece) => reader.push(piece))
      assert.deepEqual(readings, new FrameReader().push(bytes))
    }),
  )
})
