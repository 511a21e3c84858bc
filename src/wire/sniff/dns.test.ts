/** DNS over TCP by the header of a request. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { answerTo } from '../../../test/support/first-bytes.js'
import { sniffDns } from './dns.js'

interface Head {
  readonly length?: number
  readonly flags?: number
  readonly counts?: readonly [number, number, number, number]
  readonly label?: number
}

function answer({ length = 100, flags = 0x0100, counts = [1, 0, 0, 0], label = 3 }: Head) {
  const bytes = Buffer.alloc(15)
  for (const [i, value] of [length, 0x5353, flags, ...counts].entries()) bytes.writeUInt16BE(value, 2 * i)
  bytes[14] = label
  return answerTo(sniffDns, bytes.toString('latin1'))
}

test('accepts requests of four operations, with the flags that requests may have', () => {
  for (const flags of [0, 0x0100, 0x0120, 0x0110, 0x0130, 0x2000, 0x2400, 0x2800])
    assert.equal(answer({ flags }), 'yes', flags.toString(16))
  assert.equal(answer({ flags: 0x3000, counts: [0, 0, 0, 0] }), 'yes')
})

test('rejects responses, other operations, and bits that requests leave 0', () => {
  for (const flags of [0x8000, 0x0200, 0x0040, 0x0001, 0x000f, 0x0800, 0x1000, 0x1800, 0x3800, 0x7800])
    assert.equal(answer({ flags }), 'no', flags.toString(16))
})

test('a query has one question, no answers and few other records', () => {
  for (const counts of [
    [1, 0, 1, 3],
    [1, 0, 0, 1],
  ] as const)
    assert.equal(answer({ counts }), 'yes')
  for (const counts of [
    [0, 0, 0, 0],
    [2, 0, 0, 0],
    [256, 0, 0, 0],
    [1, 1, 0, 0],
    [1, 0, 2, 0],
    [1, 0, 0, 4],
  ] as const)
    assert.equal(answer({ counts }), 'no', counts.join())
  assert.equal(answer({ flags: 0x3000, counts: [0, 0, 0, 1] }), 'no')
  assert.equal(answer({ flags: 0x3000 }), 'no')
})

test('an update may have any number of records that fits into its length', () => {
  const flags = 0x2800
  assert.equal(answer({ flags, counts: [1, 2, 3, 4], length: 17 + 9 * 11 }), 'yes')
  assert.equal(answer({ flags, counts: [1, 2, 3, 4], length: 16 + 9 * 11 }), 'no')
  assert.equal(answer({ flags, counts: [1, 0xffff, 0xffff, 0xffff], length: 65_535 }), 'no')
})

test('a message has room for its question, and the question begins with a label', () => {
  assert.equal(answer({ length: 17 }), 'yes')
  assert.equal(answer({ length: 16 }), 'no')
  assert.equal(answer({ label: 63 }), 'yes')
  for (const label of [64, 0xc0]) assert.equal(answer({ label }), 'no')
})
