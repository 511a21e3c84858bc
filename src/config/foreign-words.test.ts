import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADVISED_BLOCKS, adviceFor } from './advice.js'
import { FOREIGN_WORDS } from './foreign-words.js'
import { tcprelayBlock } from './table-tcprelay.js'
import { expandSpelling, targetOf } from './word-tree.js'

test('advice names only directives that the blocks have', () => {
  for (const { words, write = {} } of FOREIGN_WORDS) {
    for (const [name, phrases] of Object.entries(write)) {
      const block = ADVISED_BLOCKS.get(name)
      assert.ok(block !== undefined, `${words}: ${name}`)
      for (const phrase of phrases) {
        assert.equal(targetOf(block, phrase.split(' '))?.join(' '), phrase, `${words}: ${name} ${phrase}`)
      }
    }
  }
})

test('each foreign word has one entry, in lower case', () => {
  const known = new Set<string>()
  for (const { words, write, text, value } of FOREIGN_WORDS) {
    assert.ok(write !== undefined || text !== undefined, words)
    for (const phrase of expandSpelling(words)) {
      const key = `${phrase.join(' ')} ${value?.source ?? ''}`
      assert.equal(key, `${phrase.join(' ').toLowerCase()} ${value?.source ?? ''}`)
      assert.ok(!known.has(key), key)
      known.add(key)
    }
  }
})

test('prefers the longest match and ignores case', () => {
  assert.equal(adviceFor(tcprelayBlock, ['option', 'TCPLOG'])?.text, "write 'access log'")
  assert.equal(adviceFor(tcprelayBlock, ['option', 'x'])?.text, 'this version does not have this option')
  assert.equal(adviceFor(tcprelayBlock, ['optional']), undefined)
})

test('advice depends on the value if the word is ambiguous', () => {
  assert.match(adviceFor(tcprelayBlock, ['accept', '127.0.0.1:80'])?.text ?? '', /listen/)
  assert.equal(adviceFor(tcprelayBlock, ['accept', 'direct']), undefined)
})
