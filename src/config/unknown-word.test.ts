import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Block } from './row.js'
import { moduleBlocks } from './table-mavis.js'
import { poolBlock } from './table-pool.js'
import { remoteBlock } from './table-remote.js'
import { routeBlock } from './table-route.js'
import { listenBlock, spawnBlock, spawndBlock } from './table-spawnd.js'
import { tcprelayBlock } from './table-tcprelay.js'
import { certificateBlock } from './table-tls.js'
import { topBlock } from './table-top.js'
import type { Token } from './token.js'
import { explain } from './unknown-word.js'
import { phrasesOf, targetOf, wordTree } from './word-tree.js'

const BLOCKS: readonly Block<unknown>[] = [
  topBlock,
  spawndBlock,
  tcprelayBlock,
  listenBlock,
  spawnBlock,
  remoteBlock,
  poolBlock,
  routeBlock,
  certificateBlock,
  ...moduleBlocks.values(),
]

function hintFor(block: Block<unknown>, text: string): string {
  const words = text.split(' ')
  let node = wordTree(block)
  let known = 0
  for (const word of words) {
    const next = node.children.get(word)
    if (next === undefined) break
    node = next
    known += 1
  }
  const ahead = words.slice(known).map((word, i): Token => {
    return { kind: 'word', text: word, position: { file: 'case', line: 1, column: i + 1 } }
  })
  return explain({ block, words: words.slice(0, known), ahead }).hint ?? ''
}

/** Letters swapped, or other separators instead of spaces. */
function isUnknown(block: Block<unknown>, text: string): boolean {
  return targetOf(block, text.split(' ')) === undefined
}

test('finds a directive with two letters swapped', () => {
  const swapped = fc.constantFrom(...BLOCKS).chain((block) =>
    fc.record({
      block: fc.constant(block),
      phrase: fc.constantFrom(...phrasesOf(block).map(({ words }) => words.join(' '))),
      at: fc.nat(),
    }),
  )
  fc.assert(
    fc.property(swapped, ({ at, block, phrase }) => {
      const words = phrase.split(' ')
      const longest = [...words].sort((a, b) => b.length - a.length)[0] ?? ''
      if (longest.length < 5) return
      const place = 1 + (at % (longest.length - 2))
      const mistaken =
        longest.slice(0, place) + longest[place + 1] + longest[place] + longest.slice(place + 2)
      const text = words.map((word) => (word === longest ? mistaken : word)).join(' ')
      if (mistaken === longest || !isUnknown(block, text)) return
      assert.match(hintFor(block, text), /^did you mean|^write '/, `${block.name}: ${text}`)
    }),
  )
})

test('finds a directive with other separators', () => {
  for (const block of BLOCKS) {
    for (const { words } of phrasesOf(block)) {
      const text = words.join('_')
      if (words.length === 1 || !isUnknown(block, text)) continue
      assert.match(hintFor(block, text), /^did you mean|^write '/, `${block.name}: ${text}`)
    }
  }
})

test('a hint names at most ten directives', () => {
  const words = fc.array(fc.string({ minLength: 1, unit: 'grapheme-ascii' }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(fc.constantFrom(...BLOCKS), words, (block, given) => {
      const text = given.join(' ').trim()
      const hint = hintFor(block, text === '' ? 'x' : text)
      assert.ok(hint.split("', '").length <= 10, hint)
    }),
  )
})

for (const [block, text, hint] of [
  [tcprelayBlock, 'least_conn', /^write 'balance'/],
  [
    tcprelayBlock,
    'timeout',
    /^write 'idle timeout', 'connect timeout', 'dial timeout' or 'half-close timeout'$/,
  ],
  [listenBlock, 'tls ca-file', /^write 'tls client-ca-file'/],
  [spawndBlock, 'idle timeout', /^'idle timeout' belongs in the tcprelay section$/],
  [listenBlock, 'grace period', /^'grace period' belongs in the tcprelay section$/],
  [
    listenBlock,
    'balance',
    /^'balance' belongs in the tcprelay section; a listener cannot override it: all clients/,
  ],
  [tcprelayBlock, 'port', /^'port' belongs in a 'listen', 'remote' or 'route' block$/],
  [topBlock, 'childs min', /^'childs min' belongs in a 'mavis module = external' block$/],
  [topBlock, 'file', /^did you mean 'geo file'/],
  [topBlock, 'timeout', /^write 'idle timeout', .* in the tcprelay section$/],
] as const) {
  test(`${text} in ${block.name} suggests the right directive`, () =>
    assert.match(hintFor(block, text), hint))
}
