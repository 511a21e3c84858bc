import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cpuMs } from '../../test/support/cpu-ms.js'
import { expandCase } from './expand-case.js'
import { matchPattern } from './match-pattern.js'

test('expands letters to both cases', () => {
  assert.equal(expandCase('joe'), '[jJ][oO][eE]')
  assert.equal(expandCase('^CN=\\w+\\.\\x41[a-c\\-_\\]]$'), '^[Cc][Nn]=\\w+\\.[Aa][a-c\\-_\\]A-C]$')
  assert.equal(expandCase('[^0-z][A-\\u0043][\\da]'), '[^0-za-zA-Z][A-\\u0043a-c][\\daA-A]')
  assert.equal(expandCase('(?<name>a)(?:b){1,3}'), '(?<name>[aA])(?:[bB]){1,3}')
})

test('leaves patterns that cannot be expanded unchanged', () => {
  for (const source of ['(a)\\1', '(?=a)', '(?!a)', '(?<=a)b', '(?<!a)b', '(?<x>a)\\k<x>'])
    assert.equal(expandCase(source), undefined, source)
  assert.deepEqual([...(matchPattern(/(j)O\1/i, 'joJ') ?? [])], ['joJ', 'j'])
})

const PIECES = [
  'a',
  'B',
  'z',
  '_',
  '.',
  '\\w',
  '\\x41',
  '\\.',
  '[a-c]',
  '[^b-y]',
  '[Z_]',
  '[0-z]',
  '(a|Bc)',
  'a*',
  'b?',
  '\\b',
]

test('matches as with the flag i', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...PIECES), { maxLength: 6 }),
      fc.array(fc.constantFrom('a', 'A', 'b', 'B', 'c', 'C', 'z', 'Z', '_', '.', 'y')),
      (pieces, characters) => {
        const text = characters.join('')
        const pattern = new RegExp(pieces.join(''), 'i')
        assert.deepEqual([...(matchPattern(pattern, text) ?? [])], [...(pattern.exec(text) ?? [])])
      },
    ),
    { numRuns: 1_000 },
  )
})

test('treats non-ASCII bytes as caseless', () => {
  // The bytes are Ã and ã in Latin-1.
  assert.notEqual(matchPattern(/^\xc3\xa4$/i, '\u00c3\u00a4'), undefined)
  assert.equal(matchPattern(/^\xc3\xa4$/i, '\u00e3\u00a4'), undefined)
})

/** Plain backtracking doubles its time with each byte: a minute for thirty. */
const WORST_BYTES = 4_000
const MS_MAX = 5_000

test('matches a backtracking pattern in bounded time', () => {
  for (const pattern of [/^(a+)+$/, /^(a+)+$/i, /^(\w+\.?)*@$/, /^([a-z]|[a-f])*!$/i]) {
    const tookMs = cpuMs(() => {
      assert.equal(matchPattern(pattern, `${'a'.repeat(WORST_BYTES)}?`), undefined)
    })
    assert.ok(tookMs < MS_MAX, String(pattern))
  }
})
