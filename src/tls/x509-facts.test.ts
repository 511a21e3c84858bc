import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { makeIdentity, oid, sequence, tagged } from '../../test/support/certificates.js'
import { freeCertificate, readCertificates } from './certificate.js'
import { certificateFacts } from './x509-facts.js'

const [UTF8, PRINTABLE, T61, UTF16] = [0x0c, 0x13, 0x14, 0x1e]

/** The facts of a certificate with these common names. */
function nameOf(...names: readonly (readonly [type: number, bytes: Buffer])[]): string {
  const parts = names.map(([type, bytes]) => tagged(0x31, sequence(oid('550403'), tagged(type, bytes))))
  const { pem } = makeIdentity({ name: 'joe', subject: sequence(...parts) })
  const [leaf, ...chain] = readCertificates(pem, assert.fail)
  assert.ok(leaf)
  const { commonName } = certificateFacts(leaf)
  freeCertificate({ leaf, chain, key: 0 })
  return commonName
}

const utf16 = (text: string) => Buffer.from(text, 'utf16le').swap16()

test('decodes a common name by its string type', () => {
  assert.equal(nameOf([UTF8, Buffer.from('Jos\u00e9')]), 'Jos\u00e9')
  assert.equal(nameOf([PRINTABLE, Buffer.from('joe')]), 'joe')
  assert.equal(nameOf([T61, Buffer.from('Jos\u00e9', 'latin1')]), 'Jos\u00e9')
  assert.equal(nameOf([UTF16, utf16('joe')]), 'joe')
  assert.equal(nameOf([UTF16, utf16('\u726f\u6f74')]), '\u726f\u6f74', 'the same bytes as root')
  assert.equal(nameOf([UTF8, Buffer.from('x'.repeat(300))]).length, 300)
  assert.equal(nameOf([UTF8, Buffer.from('joe')], [UTF8, Buffer.from('root')]), 'joe')
})

test('ignores a common name that is not valid text', () => {
  assert.equal(nameOf(), '')
  assert.equal(nameOf([UTF8, Buffer.from('joe\0root')]), '')
  assert.equal(nameOf([UTF16, utf16('joe\nroot')]), '')
})
