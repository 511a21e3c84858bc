import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CANCEL_REQUEST,
  converse,
  GSSENC_REQUEST,
  SSL_REQUEST,
  STARTUP,
} from '../../../../test/support/plain-openings.js'
import { WITHOUT_TLS } from './plain-opening.js'

test('SSLRequest is answered by S, and GSSENCRequest before it by N, once', () => {
  assert.deepEqual(converse('postgres', [SSL_REQUEST]), { said: 'S', next: 'tls', why: '', taken: 8 })
  assert.deepEqual(converse('postgres', [GSSENC_REQUEST, SSL_REQUEST]), {
    said: 'NS',
    next: 'tls',
    why: '',
    taken: 16,
  })
  assert.equal(converse('postgres', [GSSENC_REQUEST, GSSENC_REQUEST]).next, 'refuse')
})

test('a ClientHello instead is left to TLS, but only as the first byte', () => {
  const hello = Buffer.of(0x16, 3, 1)
  assert.deepEqual(converse('postgres', [hello]), { said: '', next: 'tls', why: '', taken: 0 })
  assert.equal(converse('postgres', [GSSENC_REQUEST, hello]).next, 'go-on')
})

test('a startup without TLS is refused as a server does that requires it', () => {
  const { next, said, why } = converse('postgres', [STARTUP])
  assert.deepEqual([next, why], ['refuse', WITHOUT_TLS])
  const bytes = Buffer.from(said, 'latin1')
  assert.equal(bytes[0], 'E'.charCodeAt(0))
  assert.equal(bytes.readUInt32BE(1), bytes.length - 1)
  const fields = said.slice(5, -2).split('\0')
  assert.deepEqual(fields.slice(0, 3), ['SFATAL', 'VFATAL', 'C28000'])
  assert.match(fields[3] ?? '', /^MTLS is required/)
  assert.ok(said.endsWith('\0\0'))
})

test('a request to cancel has no answer, nor has what is not PostgreSQL', () => {
  const cancelled = converse('postgres', [CANCEL_REQUEST])
  assert.deepEqual([cancelled.said, cancelled.why], ['', WITHOUT_TLS])
  for (const text of ['GET / HT', '\0\0\0\x07\0\x03\0\0', '\0\0\0\x09\x04\xd2\x16\x2f\0']) {
    const { next, said, why } = converse('postgres', [text])
    assert.deepEqual([next, said, why], ['refuse', '', 'the client does not speak PostgreSQL'])
  }
})
