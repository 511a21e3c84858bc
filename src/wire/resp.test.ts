import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Reply, readReply } from './resp.js'

const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'))

function encoded(reply: Reply): string {
  switch (reply.kind) {
    case 'text':
      return `$${reply.text.length}\r\n${reply.text}\r\n`
    case 'error':
      return `-${reply.text}\r\n`
    case 'integer':
      return `:${reply.value}\r\n`
    case 'null':
      return '$-1\r\n'
    case 'array':
      return `*${reply.items.length}\r\n${reply.items.map(encoded).join('')}`
  }
}

const leaf: fc.Arbitrary<Reply> = fc.oneof(
  fc.string({ unit: 'binary-ascii' }).map((text) => ({ kind: 'text' as const, text })),
  fc.stringMatching(/^[ -~]*$/).map((text) => ({ kind: 'error' as const, text })),
  fc.maxSafeInteger().map((value) => ({ kind: 'integer' as const, value: value % 1e14 || 0 })),
  fc.constant({ kind: 'null' as const }),
)
const arrayOf = (item: fc.Arbitrary<Reply>) =>
  fc.array(item, { maxLength: 5 }).map((items) => ({ kind: 'array' as const, items }))
const anyReply = fc.oneof(leaf, arrayOf(fc.oneof(leaf, arrayOf(leaf))))

test('reads any reply, and needs all of its bytes', () => {
  fc.assert(
    fc.property(anyReply, (reply) => {
      const bytes = bytesOf(encoded(reply))
      assert.deepEqual(readReply(bytesOf(`${encoded(reply)}+more\r\n`)), {
        kind: 'reply',
        reply,
        bytes: bytes.length,
      })
      for (let length = 0; length < bytes.length; length++)
        assert.equal(readReply(bytes.subarray(0, length)).kind, 'need-more')
    }),
  )
})

test('what is malformed stays so, whatever follows', () => {
  const any = fc
    .array(fc.constantFrom('+', '-', ':', '$', '*', '1', '0', '-1', '\r\n', '\r', '\n', 'a', ' '), {
      maxLength: 14,
    })
    .map((parts) => bytesOf(parts.join('')))
  fc.assert(
    fc.property(fc.oneof(any, fc.uint8Array({ maxLength: 40 })), (bytes) => {
      const kinds = Array.from(
        { length: bytes.length + 1 },
        (_, length) => readReply(bytes.subarray(0, length)).kind,
      )
      const at = kinds.findIndex((kind) => kind !== 'need-more')
      if (at >= 0) assert.deepEqual(new Set(kinds.slice(at)), new Set([kinds[at]]))
    }),
  )
})

test('refuses what is malformed or too large', () => {
  const bad = [
    'OK\r\n',
    '+OK\n',
    '+O\rK',
    ':1.5\r\n',
    ':01\r\n',
    ':\r\n',
    ':-0\r\n',
    '$-2\r\n',
    '$1048577\r\n',
    '$1\r\nab',
    '$1\r\na\rb',
    '*1025\r\n',
    '*-2\r\n',
    '*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n',
    `+${'a'.repeat(4_097)}`,
  ]
  for (const text of bad) assert.equal(readReply(bytesOf(text)).kind, 'malformed', text.slice(0, 20))
})
