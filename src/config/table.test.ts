import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Block, Row } from './row.js'
import { moduleBlocks } from './table-mavis.js'
import { serverBlock } from './table-mavis-remote.js'
import { poolBlock } from './table-pool.js'
import { remoteBlock } from './table-remote.js'
import { routeBlock } from './table-route.js'
import { listenBlock, spawnBlock, spawndBlock } from './table-spawnd.js'
import { stickyBlock } from './table-sticky.js'
import { tcprelayBlock } from './table-tcprelay.js'
import { certificateBlock } from './table-tls.js'
import { topBlock } from './table-top.js'
import { nameOf, wordTree } from './word-tree.js'

const OUTER: readonly [Block<unknown>, Block<unknown> | undefined][] = [
  [topBlock, undefined],
  [spawndBlock, topBlock],
  [tcprelayBlock, topBlock],
  [listenBlock, spawndBlock],
  [spawnBlock, spawndBlock],
  [poolBlock, tcprelayBlock],
  [remoteBlock, poolBlock],
  [routeBlock, tcprelayBlock],
  [stickyBlock, tcprelayBlock],
  [certificateBlock, tcprelayBlock],
  [serverBlock, undefined],
  ...[...moduleBlocks.values()].map((block): [Block<unknown>, Block<unknown>] => [block, tcprelayBlock]),
]

const rows: readonly [string, Row][] = OUTER.flatMap(([block]) =>
  Object.values(block.rows).map((row): [string, Row] => [`${block.name}: ${nameOf(row)}`, row]),
)

test('no two directives of a block have the same spelling', () => {
  for (const [block] of OUTER) assert.doesNotThrow(() => wordTree(block))
})

test('an inherited directive exists in the enclosing block with the same type', () => {
  for (const [block, outer] of OUTER) {
    for (const [key, row] of Object.entries(block.rows).filter(([, { isInherited }]) => isInherited)) {
      const source = outer?.rows[key]
      const typeOf = (of: Row | undefined) =>
        of?.kind === 'value' || of?.kind === 'list' ? of.type : of?.kind === 'block' ? of.block : undefined
      assert.ok(typeOf(source) !== undefined, `${block.name} ${key}`)
      assert.equal(typeOf(row), typeOf(source), `${block.name} ${key}`)
    }
  }
})

test('describes each directive in full sentences', () => {
  for (const [name, { doc, zero }] of rows) {
    assert.match(doc, /^[A-Z`].*\.$/s, name)
    assert.doesNotMatch(zero ?? '', /\.$/, name)
  }
})

test('the default of a directive never requires an unsupported feature', () => {
  for (const [name, row] of rows) {
    if (row.kind === 'value' && row.needsWhen !== undefined)
      assert.equal(row.needsWhen(row.fallback), false, name)
  }
})

test('a time that may be zero documents the meaning of zero', () => {
  for (const [name, row] of rows) {
    const takesZero = row.kind === 'value' && row.type.grammar === 'SECONDS' && !name.includes('keepalive')
    if (takesZero) assert.notEqual(row.zero, undefined, name)
  }
})
