import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cpuMs } from '../../test/support/cpu-ms.js'
import { expandBraces, matchesGlob } from './glob.js'

test('expands braces in order, nested and repeated', () => {
  assert.deepEqual(expandBraces('a'), ['a'])
  assert.deepEqual(expandBraces('{a,b}c{d,e}'), ['acd', 'ace', 'bcd', 'bce'])
  assert.deepEqual(expandBraces('x{a,{b,c}d}y'), ['xay', 'xbdy', 'xcdy'])
  assert.deepEqual(expandBraces('{a'), ['{a'])
  assert.deepEqual(expandBraces('a}{,b}'), ['a}', 'a}b'])
})

test('limits the number of expanded alternatives', () => {
  assert.ok(expandBraces('{a,b}'.repeat(60)).length <= 1002)
})

test('matches stars, question marks and sets', () => {
  const yes = [
    ['a.cfg', '*.cfg'],
    ['a.cfg', 'a?cfg'],
    ['b', '[a-c]'],
    ['d', '[!a-c]'],
    [']', '[]]'],
    ['a-', 'a[x-]'],
    ['[', '['],
    ['ä', '?'],
    ['', '*'],
  ]
  const no = [
    ['a.cfg', '*.cf'],
    ['.a', '*'],
    ['b', '[!a-c]'],
    ['ab', '?'],
    ['', '?'],
    ['a\\*', 'a\\b'],
    ['A', 'a'],
  ]
  for (const [name = '', pattern = ''] of yes)
    assert.equal(matchesGlob(name, pattern), true, `${name} ${pattern}`)
  for (const [name = '', pattern = ''] of no)
    assert.equal(matchesGlob(name, pattern), false, `${name} ${pattern}`)
})

test('a pattern of many stars matches in polynomial time', () => {
  const tookMs = cpuMs(() => assert.equal(matchesGlob('a'.repeat(255), `${'*a'.repeat(200)}b`), false))
  assert.ok(tookMs < 1_000)
})
