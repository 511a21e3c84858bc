import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { isEncrypted, isPem, pemBlocks } from './pem.js'

const block = (label: string, content = 'AAAA') =>
  `-----BEGIN ${label}-----\n${content}\n-----END ${label}-----\n`
const labels = (text: string) => pemBlocks(Buffer.from(text)).map(({ label }) => label)

test('finds the blocks of a file in order, among other text', () => {
  assert.deepEqual(labels(`words\n${block('A B')}${block('C')}more -----BEGIN`), ['A B', 'C'])
  assert.deepEqual(labels('-----BEGIN A-----\nAAAA'), [])
  assert.deepEqual(labels(`-----BEGIN A-----\n${block('B')}`), ['B'])
  assert.deepEqual(labels(`-----BEGIN ${'x'.repeat(99)}-----${block('B')}`), ['B'])
  const [found] = pemBlocks(Buffer.from(`x${block('A')}y`))
  assert.equal(Buffer.from(found?.bytes ?? []).toString(), block('A').trimEnd())
})

test('distinguishes encrypted from plain keys', () => {
  const legacy = 'Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA'
  const found = [
    block('ENCRYPTED PRIVATE KEY'),
    block('RSA PRIVATE KEY', legacy),
    block('EC PRIVATE KEY'),
    block('PRIVATE KEY'),
  ].flatMap((text) => pemBlocks(Buffer.from(text)).map(isEncrypted))
  assert.deepEqual(found, [true, true, false, false])
})

test('returns a result for arbitrary bytes', () => {
  const parts = fc.constantFrom('-----BEGIN ', '-----END ', 'A', '-----', '\n', 'x', '\0', '-')
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 40 }), (words) => {
      const file = Buffer.from(words.join(''))
      for (const { label, bytes } of pemBlocks(file)) assert.ok(bytes.length > 2 * label.length)
      assert.equal(isPem(file), words.join('').includes('-----BEGIN '))
    }),
  )
})
