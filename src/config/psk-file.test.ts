import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { readPskFile } from './psk-file.js'

const KEY = '000102030405060708090a0b0c0d0e0f'

test('reads identities and keys, skips comments', () => {
  const { keys, mistakes } = readPskFile(Buffer.from(`# keys\n\njoe:${KEY}\r\n a:b : ${KEY.toUpperCase()}\n`))
  assert.deepEqual(mistakes, [])
  assert.deepEqual(
    keys.map(([identity, key]) => [identity, Buffer.from(key).toString('hex')]),
    [
      ['joe', KEY],
      ['a:b', KEY],
    ],
  )
})

test('reports errors by line number, without the key', () => {
  const lines = ['joe', `:${KEY}`, 'joe:0011', `joe:${KEY}0`, `joe:${KEY}`, `joe:${KEY}`, `ann:xx${KEY}`]
  const { keys, mistakes } = readPskFile(Buffer.from(lines.join('\n')))
  assert.equal(keys.length, 1)
  assert.deepEqual(mistakes, [
    'line 1: expected IDENTITY:KEY, the key in hexadecimal',
    'line 2: expected IDENTITY:KEY, the key in hexadecimal',
    'line 3: the key is shorter than 16 bytes',
    'line 4: the key has an odd number of hexadecimal digits',
    "line 6: duplicate identity 'joe'",
    'line 7: expected IDENTITY:KEY, the key in hexadecimal',
  ])
  assert.deepEqual(readPskFile(Buffer.from('# none\n')).mistakes, ['the file contains no key'])
})
