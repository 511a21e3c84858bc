/** SOCKS 4, 4A and 5 by their first request. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerTo } from '../../../test/support/first-bytes.js'
import { SOCKS_BYTES_MAX, sniffSocks } from './socks.js'

test('version 5 has at least one method, and none twice', () => {
  for (const [text, wanted] of [
    ['\x05', 'more'],
    ['\x05\x01', 'more'],
    ['\x05\x01\x02', 'yes'],
    ['\x05\x02\0', 'more'],
    ['\x05\x02\0\x02', 'yes'],
    ['\x05\x02\x80\xfe', 'yes'],
    ['\x05\x01\0\x05\x01', 'yes'],
    ['\x05\0', 'no'],
    ['\x05\x01\xff', 'no'],
    ['\x05\x02\x80\x80', 'no'],
    ['\x05\x03\0\0', 'no'],
    ['\x06\x01\0', 'no'],
  ] as const)
    assert.equal(answerTo(sniffSocks, text), wanted, JSON.stringify(text))
})

test('version 5 may offer all methods, each greeting by itself', () => {
  const all = String.fromCharCode(...Array.from({ length: 255 }, (_, method) => method))
  for (let round = 0; round < 2; round++) {
    assert.equal(answerTo(sniffSocks, `\x05\xff${all}`), 'yes')
    assert.equal(answerTo(sniffSocks, `\x05\xff${all.slice(0, -1)}`), 'more')
  }
})

test('version 4 has a command, a port, an address and a user id', () => {
  for (const [text, wanted] of [
    ['\x04\x01\0\x50\x0a\0\0\x01\0', 'yes'],
    ['\x04\x02\0\x50\x0a\0\0\x01joe\0', 'yes'],
    ['\x04\x01\0\x50\x0a\0\0\x01joe', 'more'],
    ['\x04\x01\0\x50\xff\0\0\x01\0', 'yes'],
    ['\x04\x03', 'no'],
    ['\x04\x01\0\0', 'no'],
    ['\x04\x01\0\x50\0\0\0\0', 'no'],
    ['\x04\x01\0\x50\x0a\0\0\x01j\x01', 'no'],
  ] as const)
    assert.equal(answerTo(sniffSocks, text), wanted, JSON.stringify(text))
})

test('version 4A has a name too', () => {
  const head = '\x04\x01\0\x50\0\0\0\x07'
  for (const [text, wanted] of [
    ['\0', 'more'],
    ['\0a.example', 'more'],
    ['\0a.example\0', 'yes'],
    ['joe\0a.example\0', 'yes'],
    ['joe\0\0', 'no'],
    ['joe\0a\n', 'no'],
  ] as const)
    assert.equal(answerTo(sniffSocks, head + text), wanted, JSON.stringify(text))
})

test('limits both texts to 255 characters', () => {
  const longest = `\x04\x01\0\x50\0\0\0\x07${'u'.repeat(255)}\0${'n'.repeat(255)}\0`
  assert.equal(longest.length, SOCKS_BYTES_MAX)
  assert.equal(answerTo(sniffSocks, longest), 'yes')
  assert.equal(answerTo(sniffSocks, longest.slice(0, -1)), 'more')
  assert.equal(answerTo(sniffSocks, longest.replace('u', 'uu')), 'no')
  assert.equal(answerTo(sniffSocks, longest.replace('n', 'nn')), 'no')
})
