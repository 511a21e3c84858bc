import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createContext, Script } from 'node:vm'
import fc from 'fast-check'
import { formatProblem } from '../../src/base/problem.js'
import { loadConfiguration } from '../../src/config/load.js'
import { renderProblems } from '../../src/config/problem-text.js'
import { moduleBlocks } from '../../src/config/table-mavis.js'
import { poolBlock } from '../../src/config/table-pool.js'
import { remoteBlock } from '../../src/config/table-remote.js'
import { listenBlock, spawnBlock, spawndBlock } from '../../src/config/table-spawnd.js'
import { tcprelayBlock } from '../../src/config/table-tcprelay.js'
import { topBlock } from '../../src/config/table-top.js'
import { wordsOf } from '../../src/config/word-tree.js'
import { fakeWorld } from './fake-world.js'

/** For any input: no exception, no hang, and every problem has an existing position. */
const BUDGET_MS = process.env.TCPRELAY_TESTS === 'full' ? 20_000 : 600
/** Time limit for one input: far above the time of any small input, also on a busy machine. */
const ONE_INPUT_MS = 20_000

const call = new Script('run()')
const context = createContext({})

const folder = fileURLToPath(new URL('../../../test/config/cases/', import.meta.url))
const valid = readdirSync(folder).map((name) => readFileSync(folder + name, 'utf8').split(/^-{10}/m)[0] ?? '')

const BLOCKS = [
  topBlock,
  spawndBlock,
  tcprelayBlock,
  listenBlock,
  spawnBlock,
  remoteBlock,
  poolBlock,
  ...moduleBlocks.values(),
]
const WORDS = [...wordsOf(BLOCKS), 'include', 'not']
const OTHERS = [
  '=',
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  ',',
  '!',
  '&',
  '|',
  '&&',
  '#',
  '"',
  "'",
  '\\',
  '\n',
  '\r\n',
  '\t',
  ' ',
  '\ufeff',
  '\0',
  '~',
  'spawnd',
  'tcprelay',
  'yes',
  'no',
  '22',
  '22x',
  '0x10',
  '5m',
  '-1',
  '1.2.3.4',
  '::0',
  '10.0.0.0/8',
  '/run/x',
  '@x',
  'unix:@x',
  '8000-8010',
  'same',
  'user',
  'group',
  'case',
  'other',
  '"a b"',
  `"\${HOME}"`,
  '"\\q\\',
  'ä中',
  'nobody',
  'a',
  'b',
  // Syntax of other programs.
  'server',
  'listen web',
  'global',
  'timeout client',
  '[::1]:80',
  '*:80',
  'db.test:80',
  '80;',
  ';',
  '// c',
  '/* c */',
  'id = x {',
]

// biome-ignore format: one list of the tokens of scripts
const SCRIPT_WORDS = [
  'if', 'else', 'set', 'unset', 'eval', 'return', 'continue', 'skip', 'toupper', 'tolower', 'reset', 'defined', 'undef',
  '$USER', 'USER', '$1', '$', 'user', '$NOBODY', '==', '!=', '=~', '!~', '=', '!', '&&', '||', '(', ')', '{', '}',
  '"a$1\\\\"', '/^a(b|c)/', '/(/', '/x', '/[[:alpha:]]+/', '"^[[:digit:]]$"', '"("', 'text', '\n', '# {', 'include other', 'é',
]

const bytes = fc.uint8Array({ maxLength: 300 })
const soup = fc
  .array(fc.constantFrom(...WORDS, ...OTHERS), { maxLength: 120 })
  .map((parts) => Buffer.from(parts.join(' ')))
const scripts = fc.array(fc.constantFrom(...SCRIPT_WORDS), { maxLength: 60 }).map((parts) => {
  const script = `mavis module = null { script in { ${parts.join(' ')} } script out = { return } }`
  return Buffer.from(`id = tcprelay { remote { 1.2.3.4:5 } ${script} } id = spawnd { listen { port = 1 } }`)
})
const mutated = fc
  .tuple(
    fc.constantFrom(...valid),
    fc.array(fc.tuple(fc.nat(), fc.nat(20), fc.constantFrom('', ...WORDS, ...OTHERS, ...SCRIPT_WORDS)), {
      maxLength: 6,
    }),
  )
  .map(([text, edits]) => Buffer.from(edits.reduce(edit, text)))

for (const [name, inputs] of Object.entries({
  'random bytes': bytes,
  'random tokens': soup,
  'random scripts': scripts,
  'mutated configurations': mutated,
})) {
  test(`${name} are accepted or rejected with a position`, () => {
    // On failure fast-check prints the seed and the smallest input.
    const limits = {
      numRuns: Number.MAX_SAFE_INTEGER,
      interruptAfterTimeLimit: BUDGET_MS,
      markInterruptAsFailure: false,
    }
    fc.assert(fc.property(inputs, checkInput), limits)
  })
}

function checkInput(input: Uint8Array): void {
  const files = { case: input, other: 'listen { port = 1 } include case' }
  const world = fakeWorld(files)
  const loaded = withinTime(() =>
    loadConfiguration({
      file: 'case',
      ...world,
      environment: new Map([['HOME', '/home/joe']]),
      masterId: 'spawnd',
      childId: 'tcprelay',
      isInetd: false,
    }),
  )
  const rendered = renderProblems(loaded.problems, world.sources)
  for (const problem of loaded.problems) {
    assertPlaceExists(problem.position, files)
    assert.ok(rendered.includes(formatProblem(problem)))
  }
  const { remotes, routes } = loaded.tcprelay
  const hasDynamic = routes.some(({ target }) => target.dynamic !== undefined)
  const isAccepted = loaded.problems.every(({ severity }) => severity !== 'error')
  if (isAccepted) assert.ok(remotes.length > 0 || hasDynamic)
}

/** Runs the parser in a separate context: only that can be interrupted in an endless loop. */
function withinTime<T>(run: () => T): T {
  context.run = run
  return call.runInContext(context, { timeout: ONE_INPUT_MS }) as T
}

/** A position may be directly after the end of its line. */
function assertPlaceExists(
  position: { file: string; line: number; column: number },
  files: Record<string, string | Uint8Array>,
): void {
  const content = files[position.file]
  assert.ok(content !== undefined, `file ${position.file}`)
  const line = Buffer.from(content).toString('latin1').split('\n')[position.line - 1]
  assert.ok(line !== undefined, `line ${position.line}`)
  assert.ok(position.column >= 1 && position.column <= line.length + 1, `column ${position.column}`)
}

function edit(text: string, [at, removed, inserted]: readonly [number, number, string]): string {
  const place = at % (text.length + 1)
  return text.slice(0, place) + inserted + text.slice(place + removed)
}
