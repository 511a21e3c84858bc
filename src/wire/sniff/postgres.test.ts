/** PostgreSQL by the length and code of its first message. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { answerTo } from '../../../test/support/first-bytes.js'
import { sniffPostgres } from './postgres.js'

function answer(length: number, code: number) {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32BE(length, 0)
  bytes.writeUInt32BE(code, 4)
  return answerTo(sniffPostgres, bytes.toString('latin1'))
}

test('a StartupMessage has protocol 3 and a length that the server accepts', () => {
  assert.equal(answer(9, 0x0003_0000), 'yes')
  assert.equal(answer(10_004, 0x0003_0002), 'yes')
  assert.equal(answer(40, 0x0003_ffff), 'yes')
  assert.equal(answer(8, 0x0003_0000), 'no')
  assert.equal(answer(10_005, 0x0003_0000), 'no')
  assert.equal(answer(40, 0x0002_0000), 'no')
  assert.equal(answer(40, 0x0004_0000), 'no')
})

test('a request has its own length', () => {
  for (const code of [80_877_103, 80_877_104]) {
    assert.equal(answer(8, code), 'yes')
    assert.equal(answer(9, code), 'no')
  }
  assert.equal(answer(16, 80_877_102), 'yes')
  assert.equal(answer(268, 80_877_102), 'yes')
  for (const length of [8, 15, 269]) assert.equal(answer(length, 80_877_102), 'no')
  for (const code of [80_877_101, 80_877_105]) assert.equal(answer(8, code), 'no')
})

test('rejects as soon as a byte cannot be right', () => {
  for (const text of [
    '\x01',
    '\0\x01',
    '\0\0\0\x07',
    '\0\0\xff\xff',
    '\0\0\0\x08\x04\xd3',
    '\0\0\0\x08\x16\x03',
  ])
    assert.equal(answerTo(sniffPostgres, text), 'no', JSON.stringify(text))
})
