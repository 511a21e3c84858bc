import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spawndBlock } from './table-spawnd.js'
import { tcprelayBlock } from './table-tcprelay.js'
import { expandSpelling, wordsOf } from './word-tree.js'

test('expands each alternative of a spelling', () => {
  assert.deepEqual(expandSpelling('tls|ssl key|key-file'), [
    ['tls', 'key'],
    ['tls', 'key-file'],
    ['ssl', 'key'],
    ['ssl', 'key-file'],
  ])
})

test('words of a block are those of all alternatives, and of all nested blocks', () => {
  const words = wordsOf([spawndBlock, tcprelayBlock])
  // Of the blocks themselves, of `listen`, of `spawn`, of `pool`, of `remote` in it, and of a module of MAVIS.
  for (const word of ['background', 'listen', 'ssl', 'instances', 'queue', 'weight', 'childs'])
    assert.ok(words.has(word), word)
  for (const word of words) assert.match(word, /^[^ |]+$/)
  assert.ok(!words.has('nobody'))
  assert.ok(!wordsOf([spawndBlock]).has('remote'), 'a block of another section')
})
