import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quoted } from './quoted.js'

test('text of servers is quoted, cut and without control characters', () => {
  assert.equal(quoted('-ERR \x1b[2J\r\n'), '"-ERR \\x1b[2J\\x0d\\x0a"')
  assert.equal(quoted(Uint8Array.of(0x61, 0xff, 0)), '"a\ufffd\\x00"')
  assert.equal(quoted('a'.repeat(80)), `"${'a'.repeat(80)}"`)
  const cut = `"${'a'.repeat(77)}..."`
  assert.equal(quoted('a'.repeat(81)), cut)
  assert.equal(quoted(Buffer.from('a'.repeat(100_000))), cut)
})
