/** RDP by its connection request. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { answerTo, rdpRequest } from '../../../test/support/first-bytes.js'
import { sniffRdp } from './rdp.js'

const edited = (at: number, value: number) => {
  const bytes = Buffer.from(rdpRequest('Cookie: mstshash=eltons\r\n'))
  bytes[at] = value
  return answerTo(sniffRdp, bytes.toString('latin1'))
}

test('every constant of the headers counts', () => {
  assert.equal(edited(0, 3), 'yes')
  for (const at of [0, 1, 2, 3, 4, 5, 6, 7, 10]) assert.equal(edited(at, 0x77), 'no', `byte ${at}`)
  // The source reference is the client's.
  for (const at of [8, 9]) assert.equal(edited(at, 0x77), 'yes', `byte ${at}`)
})

test('a connection request of S7 has parameters', () => {
  const s7 = '\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc1\x02\x01\0\xc2\x02\x01\x02\xc0\x01\x0a'
  assert.equal(answerTo(sniffRdp, s7), 'no')
  assert.equal(answerTo(sniffRdp, s7.slice(0, 11)), 'more')
  for (const code of [0xbf, 0xc3]) assert.equal(edited(11, code), 'yes')
})

test('the length is that of X.224', () => {
  assert.equal(answerTo(sniffRdp, '\x03\0\0\x0b\x06\xe0\0\0\0\0\0'), 'yes')
  assert.equal(answerTo(sniffRdp, '\x03\0\0\x0a'), 'no')
  assert.equal(answerTo(sniffRdp, '\x03\0\x01\x03\xfe'), 'more')
  assert.equal(answerTo(sniffRdp, '\x03\0\x01\x04'), 'no')
})
