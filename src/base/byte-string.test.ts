import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byteString, readableText } from './byte-string.js'

test('text becomes the bytes of its UTF-8, and text again', () => {
  assert.equal(byteString('aé€'), 'a\xc3\xa9\xe2\x82\xac')
  assert.equal(readableText('a\xc3\xa9\xe2\x82\xac'), 'aé€')
  assert.equal(readableText('\xff'), '\ufffd')
})
