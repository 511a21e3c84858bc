import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTokenFile } from './token-file.js'

const read = (text: string) => readTokenFile(new TextEncoder().encode(text))

test('reads a level and a token per line', () => {
  const text = '# monitoring\nread 0123456789abcdef\r\n\n  admin\tQUJDREVGR0hJSktMTU5P==  \n'
  assert.deepEqual(read(text), {
    tokens: [
      { level: 'read', token: '0123456789abcdef' },
      { level: 'admin', token: 'QUJDREVGR0hJSktMTU5P==' },
    ],
    mistakes: [],
  })
})

for (const [line, mistake] of [
  ['0123456789abcdef', 'expected LEVEL TOKEN, the level one of read, operate, admin'],
  ['root 0123456789abcdef', 'expected LEVEL TOKEN, the level one of read, operate, admin'],
  ['read 0123456789abcdef more', 'expected LEVEL TOKEN, the level one of read, operate, admin'],
  ['read 0123456789abcde', 'the token is shorter than 16 characters'],
  [`read ${'x'.repeat(257)}`, 'the token is longer than 256 characters'],
  ['read 0123456789abcdef"', 'a token consists of letters, digits and . _ ~ + / - ='],
] as const) {
  test(`rejects '${line.slice(0, 30)}' by its line number, without the text`, () => {
    assert.deepEqual(read(`operate fedcba9876543210\n${line}`).mistakes, [`line 2: ${mistake}`])
  })
}

test('rejects a token that occurs twice, and a file without a token', () => {
  assert.deepEqual(read('read 0123456789abcdef\nadmin 0123456789abcdef').mistakes, [
    'line 2: duplicate token',
  ])
  assert.deepEqual(read('# nothing\n').mistakes, ['the file contains no token'])
})
