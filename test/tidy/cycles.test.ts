/** Checks that imports form no cycles, those of types included. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cyclicGroups, importGraph } from './graph.js'
import { isTest, sourceOf, sourcesBelow } from './sources.js'

interface AllowedCycle {
  readonly name: string
  readonly reason: string
  /** The files that may be part of it. */
  readonly files: RegExp
}

const ALLOWED_CYCLES: readonly AllowedCycle[] = [
  {
    name: 'SESSION_RECORD',
    reason:
      'the record of a session has the state of all phases, their handlers take the record, and its connections and' +
      ' directions refer to it: they name the types of each other and load none in a ring',
    files:
      /^src\/relay\/(?:(?:session|connection|context|phase-handlers?|trouble)|closing\/endings|(?:opening|transfer)\/[\w-]+)\.ts$/,
  },
  {
    name: 'LISTENER_AND_LIMIT',
    reason: 'to be separated: a listener and the limit that pauses it',
    files: /^src\/accept\/(?:gate|listener|listening-socket|connection-limit)\.ts$/,
  },
  {
    name: 'REMOTE_MODULE',
    reason: 'to be separated: a MAVIS query and the server that it is sent to',
    files: /^src\/mavis\/remote-(?:question|query|server)\.ts$/,
  },
  {
    name: 'SPAWND_TABLE',
    reason: 'to be separated: the directives of a section and a check of its values',
    files: /^src\/config\/(?:check-datagrams|table-spawnd)\.ts$/,
  },
]

const ADVICE = 'Move what both need into a third file, or pass it as an argument:'

test('imports form no cycles, those of types included', () => {
  const product = sourcesBelow('src').filter(({ path }) => !isTest(path))
  const cycles = cyclicGroups(importGraph(product)).filter(
    (group) => !ALLOWED_CYCLES.some(({ files }) => group.every((path) => files.test(path))),
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
