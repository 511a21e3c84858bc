/** Redis by its first command. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerTo } from '../../../test/support/first-bytes.js'
import { REDIS_BYTES_MAX, sniffRedis } from './redis.js'

test('an array has a number without leading zeros and begins with a bulk string', () => {
  for (const [text, wanted] of [
    ['*', 'more'],
    ['*1\r\n$', 'yes'],
    ['*1\r\n', 'more'],
    ['*2147483647\r\n$', 'yes'],
    ['*9999999999', 'more'],
    ['*99999999999', 'no'],
    ['*0', 'no'],
    ['*-1', 'no'],
    ['*01', 'no'],
    ['*\r', 'no'],
    ['*1\n', 'no'],
    ['*1\rx', 'no'],
    ['*1\r\n:', 'no'],
    ['*1\r\n+', 'no'],
    ['* 1', 'no'],
  ] as const)
    assert.equal(answerTo(sniffRedis, text), wanted, JSON.stringify(text))
})

test('an inline command is one of three, and a whole line', () => {
  for (const [text, wanted] of [
    ['PiNg\r\n', 'yes'],
    ['PING\n', 'yes'],
    ['PING', 'more'],
    ['PING\r', 'more'],
    ['PING\rx', 'no'],
    ['PING hello\r\n', 'no'],
    ['PINGS', 'no'],
    ['AUTH x\n', 'yes'],
    ['AUTH x', 'more'],
    ['AUTH\r\n', 'no'],
    ['AUTH \r\n', 'no'],
    ['AUTH  x\n', 'no'],
    ['AUTH x\0', 'no'],
    ['HELLO 3\r\n', 'yes'],
    ['HELLO 3', 'more'],
    ['HELLO\r\n', 'no'],
    ['HELLO a.example\r\n', 'no'],
    ['HELO a.example\r\n', 'no'],
    ['QUIT\r\n', 'no'],
    ['GET key\r\n', 'no'],
    ['\r\n', 'no'],
  ] as const)
    assert.equal(answerTo(sniffRedis, text), wanted, JSON.stringify(text))
})

test('limits the line to 256 bytes', () => {
  const longest = `AUTH ${'x'.repeat(REDIS_BYTES_MAX - 7)}\r\n`
  assert.equal(answerTo(sniffRedis, longest), 'yes')
  assert.equal(answerTo(sniffRedis, longest.slice(0, -1)), 'more')
  assert.equal(answerTo(sniffRedis, longest.replace('x', 'xx')), 'no')
})
