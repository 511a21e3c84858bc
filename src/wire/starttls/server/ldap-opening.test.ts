import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse, EXTENDED_START_TLS } from '../../../../test/support/plain-openings.js'
import { WITHOUT_TLS } from './plain-opening.js'

const latin = (text: string) => Buffer.from(text, 'latin1')
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const hexOf = (text: string) => latin(text).toString('hex')

const START_TLS_OID = hexOf('1.3.6.1.4.1.1466.20037')
const NOTICE = `3024 0201 00 78 1f 0a0102 0400 0400 8a16 ${hexOf('1.3.6.1.4.1.1466.20036')}`

test('StartTLS gets a success with its message id', () => {
  const told = converse('ldap', [EXTENDED_START_TLS])
  assert.deepEqual([told.next, told.taken], ['tls', EXTENDED_START_TLS.length])
  assert.equal(
    hexOf(told.said),
    hex(`3024 020101 781f 0a0100 0400 0400 8a16 ${START_TLS_OID}`).toString('hex'),
  )
  // The id may have four bytes, and lengths the long form, as Active Directory writes them.
  const long = hex(`30 84 00000024 0204 7fffffff 77 84 00000018 80 16 ${START_TLS_OID}`)
  assert.equal(converse('ldap', [long]).next, 'tls')
})

test('other requests get their response: confidentialityRequired', () => {
  const bind = hex('300c 020107 6007 020103 0400 8000')
  const text = 'TLS is required: use StartTLS first'
  const answerTo = (request: Buffer) => {
    const { next, said, why } = converse('ldap', [request])
    assert.deepEqual([next, why], ['refuse', WITHOUT_TLS])
    return hexOf(said)
  }
  assert.equal(answerTo(bind), hex(`302f 020107 612a 0a010d 0400 0423 ${hexOf(text)}`).toString('hex'))
  for (const [request, response] of [
    [0x63, 0x65],
    [0x66, 0x67],
    [0x68, 0x69],
    [0x4a, 0x6b],
    [0x6c, 0x6d],
    [0x6e, 0x6f],
    [0x77, 0x78],
  ] as const) {
    const answer = answerTo(Buffer.concat([hex('3005 020102'), Buffer.of(request, 0)]))
    assert.equal(answer.slice(10, 12), response.toString(16))
  }
})

test('an unbind leaves, an abandon has no answer', () => {
  const abandon = hex('3006 020102 500101')
  assert.deepEqual(converse('ldap', [abandon]), { said: '', next: 'go-on', why: '', taken: abandon.length })
  assert.equal(converse('ldap', [Buffer.concat([abandon, EXTENDED_START_TLS])]).next, 'tls')
  assert.equal(converse('ldap', [hex('3005 020103 4200')]).next, 'leave')
})

test('what is not LDAP gets a notice of disconnection', () => {
  for (const bytes of [
    latin('GET / HTTP/1.1\r\n'),
    hex('3080 020101'),
    hex('3085 0000000001'),
    hex('3005 040101 4200'),
    hex('3004 0200 4200'),
    hex('3007 0205 0000000001'),
    hex('3005 020101 4205'),
    hex('3005 020101 6100'),
    hex('3000'),
  ]) {
    const { next, said } = converse('ldap', [bytes])
    assert.deepEqual([next, hexOf(said)], ['refuse', hex(NOTICE).toString('hex')], bytes.toString('hex'))
  }
})
