import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Tokens } from './tokens.js'

const tokens = new Tokens([
  { level: 'read', token: '0123456789abcdef' },
  { level: 'admin', token: 'fedcba9876543210' },
])

test('finds the level of a bearer token', () => {
  assert.equal(tokens.levelOf('Bearer 0123456789abcdef'), 'read')
  assert.equal(tokens.levelOf('bearer  fedcba9876543210 '), 'admin')
})

test('finds none for other headers', () => {
  const headers = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    '0123456789abcdef',
    'Basic 0123456789abcdef',
    'Bearer 0123456789abcde',
  ]
  for (const header of [...headers, 'Bearer 0123456789abcdef fedcba9876543210'])
    assert.equal(tokens.levelOf(header), undefined, header)
})
