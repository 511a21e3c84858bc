/** OpenVPN over TCP by the packet that begins a session. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { answerTo, FIRST_BYTES } from '../../../test/support/first-bytes.js'
import { sniffOpenvpn } from './openvpn.js'

function edited(sample: number, at: number, value: number) {
  const bytes = Buffer.from(FIRST_BYTES.openvpn[sample]?.bytes ?? [])
  bytes[at < 0 ? bytes.length + at : at] = value
  return answerTo(sniffOpenvpn, bytes.toString('latin1'))
}

const PLAIN = 0
const AUTH = 1
const CRYPT = 4
const CRYPT_V2 = 5

test('opcode, key id and length belong together', () => {
  for (const sample of [PLAIN, AUTH, CRYPT, CRYPT_V2]) {
    for (const opcode of [1, 4, 5, 8]) assert.equal(edited(sample, 2, opcode << 3), 'no')
    assert.equal(edited(sample, 2, (sample === CRYPT_V2 ? 0x50 : 0x38) + 1), 'no')
    assert.equal(edited(sample, 2, sample === CRYPT_V2 ? 0x38 : 0x50), 'no')
  }
  for (const text of ['\0\x0d', '\0\x0f', '\0\x25', '\0\x57', '\x01\x57', '\x04\x37'])
    assert.equal(answerTo(sniffOpenvpn, text), 'no', JSON.stringify(text))
})

test('the first packet acknowledges nothing and has the id 0', () => {
  for (const sample of [PLAIN, AUTH]) {
    assert.equal(edited(sample, -5, 1), 'no')
    for (const at of [-4, -3, -2, -1]) assert.equal(edited(sample, at, 1), 'no')
  }
  assert.equal(edited(CRYPT, -1, 1), 'yes', 'encrypted')
})

test('replay protection begins with packet 1', () => {
  assert.equal(edited(AUTH, 2 + 9 + 20 + 3, 2), 'no')
  assert.equal(edited(CRYPT, 2 + 9 + 3, 2), 'no')
  assert.equal(edited(CRYPT_V2, 2 + 9 + 3, 2), 'no')
  assert.equal(edited(CRYPT_V2, 2 + 9, 0x0e), 'no')
})

test('a DNS query of the length of a packet is none', () => {
  const query = `\0\x2a\x38\x01\x01\0\0\x01\0\0\0\0\0\0\x14${'x'.repeat(20)}\x03com\0\0\x01\0\x01`
  assert.equal(query.length, 44)
  assert.equal(answerTo(sniffOpenvpn, query), 'no')
})
