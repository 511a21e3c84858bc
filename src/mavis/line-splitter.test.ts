import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyCuts, atEveryByte, cutAt } from '../../test/support/cuts.js'
import { LineSplitter } from './line-splitter.js'

function linesOf(...pieces: readonly Uint8Array[]): string[] {
  const lines: string[] = []
  const cutter = new LineSplitter((text) => lines.push(text()))
  for (const piece of pieces) cutter.push(piece)
  cutter.end()
  return lines
}

test('emits a last line without a line end', () => {
  assert.deepEqual(linesOf(Buffer.from('one\n\ntwo')), ['one', '', 'two'])
  assert.deepEqual(linesOf(Buffer.from('one\n')), ['one'])
  assert.deepEqual(linesOf(), [])
})

test('cuts a long line and keeps the next one whole', () => {
  assert.deepEqual(linesOf(Buffer.from(`${'x'.repeat(5_000)}\nnext\n`)), [`${'x'.repeat(1_024)}…`, 'next'])
  assert.deepEqual(linesOf(Buffer.from(`${'x'.repeat(1_024)}\n`)), ['x'.repeat(1_024)])
})

test('gives the same lines for any chunks', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.integer({ min: 1, max: 9 }), (texts, size) => {
      const lines = texts.map((text) => text.replaceAll('\n', ''))
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
      const pieces: Uint8Array[] = []
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
      // TextDecoder drops a byte order mark.
      const expected = Buffer.from(lines.join('\n')).toString().split('\n')
      assert.deepEqual(
        linesOf(...pieces),
        (lines.length === 0 ? [] : expected).map((line) => line.replace(/^\uFEFF/, '')),
      )
    }),
  )
})

test('cuts a line that exceeds the limit over several chunks', () => {
  const cut = `${'x'.repeat(1_024)}…`
  assert.deepEqual(linesOf(Buffer.alloc(2_000, 'x'), Buffer.alloc(10, 'y')), [cut])
  assert.deepEqual(linesOf(Buffer.alloc(2_000, 'x'), Buffer.from('\nnext')), [cut, 'next'])
  assert.deepEqual(linesOf(Buffer.alloc(1_024, 'x'), Buffer.alloc(1, 'y'), Buffer.from('\n')), [cut])
})

/** Lines of every length around the limit. */
const longText = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 2_100 }), fc.constantFrom('x', 'ü', '\0', '\xff')), {
    maxLength: 8,
  })
  .map((parts) => Buffer.from(parts.map(([length, unit]) => unit.repeat(length)).join('\n'), 'latin1'))

test('gives the same result for long lines in any chunks', () => {
  fc.assert(
    fc.property(longText, anyCuts, (bytes, cuts) => {
      assert.deepEqual(linesOf(...cutAt(bytes, cuts)), linesOf(bytes))
    }),
  )
})

test('accepts chunks that end at any byte', () => {
  const bytes = Buffer.from(`a\n${'x'.repeat(1_023)}\n${'y'.repeat(1_024)}\n${'z'.repeat(1_025)}\n\nend`)
  const whole = linesOf(bytes)
  for (const pieces of atEveryByte(bytes)) assert.deepEqual(linesOf(...pieces), whole)
})
