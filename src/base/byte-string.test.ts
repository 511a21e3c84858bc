import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byteString, readableText } from './byte-string.js'

test('text round-trips through its UTF-8 bytes', () => {
  assert.equal(byteString('aé€'), 'a\xc3\xa9\xe2\x82\xac')
  assert.equal(readableText('a\xc3\xa9\xe2\x82\xac'), 'aé€')
  assert.equal(readableText('\xff'), '\ufffd')
})
