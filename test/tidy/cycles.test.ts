/** Checks that imports form no cycles, those of types included. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cyclicGroups, importGraph } from './graph.js'
import { isTest, sourceOf, sourcesBelow } from './sources.js'

/**
 * The only cycle that is allowed: the record of a session has the state of all phases, their handlers take the record,
 * and its connections and directions refer to it, and so does the queue of its pool. They name the types of each other and
 * load none in a ring.
 */
const SESSION_RECORD =
  /^src\/relay\/(?:(?:session|connection|context|relay-pools|phase-handlers?)|closing\/endings|(?:opening|transfer)\/[\w-]+)\.ts$/

const ADVICE = 'Move what both need into a third file, or pass it as an argument:'

test('imports form no cycles, those of types included', () => {
  const product = sourcesBelow('src').filter(({ path }) => !isTest(path))
  const cycles = cyclicGroups(importGraph(product)).filter(
    (group) => !group.every((path) => SESSION_RECORD.test(path)),
  )
  assert.deepEqual(cycles, [], `${ADVICE}\n  ${cycles.map((group) => group.join(' <-> ')).join('\n  ')}\n`)
})

test('finds cycles of types and of values, each with all of its files', () => {
  const sources = [
    sourceOf('src/base/a.ts', "import type { B } from './b.js'"),
    sourceOf('src/base/b.ts', "import { c } from './c.js'"),
    sourceOf('src/base/c.ts', "import { a } from './a.js'\nimport { d } from './d.js'"),
    sourceOf('src/base/d.ts', ''),
    sourceOf('src/base/e.ts', "import { b } from './b.js'"),
    sourceOf('src/base/f.ts', "import type { F } from './f.js'"),
  ]
  assert.deepEqual(cyclicGroups(importGraph(sources)), [
    ['src/base/a.ts', 'src/base/b.ts', 'src/base/c.ts'],
    ['src/base/f.ts'],
  ])
})
