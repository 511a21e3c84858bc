import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LineCutter } from './line-cutter.js'

function linesOf(...pieces: readonly Uint8Array[]): string[] {
  const lines: string[] = []
  const cutter = new LineCutter((text) => lines.push(text()))
  for (const piece of pieces) cutter.push(piece)
  cutter.end()
  return lines
}

test('the last line needs no end', () => {
  assert.deepEqual(linesOf(Buffer.from('one\n\ntwo')), ['one', '', 'two'])
  assert.deepEqual(linesOf(Buffer.from('one\n')), ['one'])
  assert.deepEqual(linesOf(), [])
})

test('a line that is too long is cut, and the next one is whole', () => {
  assert.deepEqual(linesOf(Buffer.from(`${'x'.repeat(5_000)}\nnext\n`)), [`${'x'.repeat(1_024)}…`, 'next'])
  assert.deepEqual(linesOf(Buffer.from(`${'x'.repeat(1_024)}\n`)), ['x'.repeat(1_024)])
})

test('however text is cut, its lines are the same', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.integer({ min: 1, max: 9 }), (texts, size) => {
      const lines = texts.map((text) => text.replaceAll('\n', ''))
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
      const pieces: Uint8Array[] = []
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
      // A byte order mark is no part of a text.
      const expected = Buffer.from(lines.join('\n')).toString().split('\n')
      assert.deepEqual(
        linesOf(...pieces),
        (lines.length === 0 ? [] : expected).map((line) => line.replace(/^\uFEFF/, '')),
      )
    }),
  )
})
