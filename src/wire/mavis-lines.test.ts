import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AV, SENT_ATTRIBUTES } from '../base/mavis-attributes.js'
import { decodeLines, encodeLines } from './mavis-lines.js'

function valuesOf(entries: Iterable<readonly [number: number, value: string]>): (string | undefined)[] {
  const values: (string | undefined)[] = []
  for (const [number, value] of entries) values[number] = value
  return values
}

const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code))
const bytes = fc.array(byte).map((characters) => characters.join(''))

test('encodes values in ascending order, line feeds as carriage returns', () => {
  const values = valuesOf([
    [AV.USER, 'joe'],
    [AV.TYPE, 'TACPLUS'],
    [AV.COMMENT, 'two\nlines'],
    [AV.PASSWORD, ''],
  ])
  assert.equal(encodeLines(values), '0 TACPLUS\n4 joe\n8 \n17 two\rlines\n')
  assert.deepEqual(decodeLines(encodeLines(values)), values)
})

test('rejects malformed lines', () => {
  for (const lines of [
    'x y\n',
    '4\n',
    '4joe\n',
    '\n',
    '55 x\n',
    '-1 x\n',
    '4 joe\n\n',
    ' 4 joe\n',
    '0004 joe\n',
  ])
    assert.equal(decodeLines(lines), undefined, JSON.stringify(lines))
  assert.deepEqual(decodeLines(''), [])
  assert.equal(decodeLines('4 a\n4 b')?.[AV.USER], 'b')
})

test('preserves all bytes except carriage returns', () => {
  const entry = fc.tuple(fc.integer({ min: 0, max: SENT_ATTRIBUTES - 1 }), bytes)
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const sent = valuesOf(entries.map(([number, value]) => [number, value.replaceAll('\r', '')]))
      assert.deepEqual(decodeLines(encodeLines(sent)), sent)
    }),
  )
})

test('decodes or rejects any text', () => {
  fc.assert(
    fc.property(bytes, (lines) => {
      const values = decodeLines(lines)
      if (values !== undefined) assert.deepEqual(decodeLines(encodeLines(values)), values)
    }),
  )
})
