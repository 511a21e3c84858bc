/** Checks the code of every file; the rules are in code-rules.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  anyFindings,
  bangFindings,
  endingFindings,
  functionLines,
  neverRunFindings,
  todoFindings,
} from './code-rules.js'
import { LAYERS } from './layers.js'
import { folderOf, isTest, type Source, sourceOf, sourcesBelow } from './sources.js'
import { tokenize } from './tokens.js'

const FUNCTION_LINES_MAX = 70
const FILE_LINES_MAX = 500

const sources = sourcesBelow('src', 'test', 'bench')

function none(findings: readonly string[], advice: string): void {
  assert.deepEqual(findings, [], `${advice}\n  ${findings.join('\n  ')}\n`)
}

/** Whether a file may run on a reactor thread, by its layer. */
function mayRunOnReactor({ path }: Source): boolean {
  const on = LAYERS[folderOf(path)]?.on
  return path.startsWith('src/') && !isTest(path) && ['P', 'R', 'B'].includes(on ?? '')
}

test('code that may run on a reactor does not depend on the event loop of Node', () => {
  const onReactor = sources.filter(mayRunOnReactor)
  assert.ok(onReactor.length > 40)
  none(onReactor.flatMap(neverRunFindings), 'A thread that blocks in the poller runs no callbacks of Node:')
})

test('no value has the type any', () => {
  none(sources.flatMap(anyFindings), 'any disables type checks for everything that it touches:')
})

test('there are no non-null assertions', () => {
  none(sources.flatMap(bangFindings), 'x! is an unchecked claim:')
})

test('every TODO has an issue number', () => {
  none(sources.flatMap(todoFindings), 'Describe the work in an issue:')
})

test('imports have the extension .js', () => {
  none(sources.flatMap(endingFindings), 'Node resolves files by their full name:')
})

test('files have at most 500 lines', () => {
  const long = sources
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > FILE_LINES_MAX)
  none(
    long.map(({ path, lines }) => `${path} has ${lines} lines`),
    'A file has one subject: move the second one out:',
  )
})

test('functions have at most 70 lines', () => {
  const long = sources.flatMap(({ path, tokens }) =>
    functionLines(tokens)
      .filter(({ first, last }) => last - first + 1 > FUNCTION_LINES_MAX)
      .map(({ first, last }) => `${path}:${first} has ${last - first + 1} lines`),
  )
  none(long, 'Split into functions that fit on a screen:')
})

/** Samples write template values as `@{value}`, so that this file passes its own rules. */
const withValues = (sample: string) => sample.replaceAll('@{', '\u0024{')

test('the rules find violations, and ignore comments and strings', () => {
  const find = (rule: (source: Source) => string[], text: string) =>
    rule(sourceOf('src/relay/x.ts', withValues(text))).length
  assert.equal(find(neverRunFindings, 'export async function f() { await g() }'), 2)
  assert.equal(find(neverRunFindings, 'return new Promise(() => setTimeout(f, 1))'), 2)
  assert.equal(find(neverRunFindings, '// await\n/* console */ const s = "async" + `Promise @{console}`'), 1)
  assert.equal(find(neverRunFindings, 'const o = { async: 1 }; o.await; x.console'), 0)
  assert.equal(find(anyFindings, 'let x: any; const y = z as any; f<any>(); const w: any[] = []'), 4)
  assert.equal(find(anyFindings, "const any = 1; f(any); bind.kind === 'any'; isAny(x)"), 0)
  assert.equal(find(bangFindings, 'a!.b; c[0]!; d()!; const x = y!'), 4)
  assert.equal(find(bangFindings, 'if (!a || !b) return !c; x !== y; f(!d, [!e]); const g = !h'), 0)
  assert.equal(find(todoFindings, '// TODO later\n// FIXME\n/* XXX */'), 3)
  assert.equal(find(todoFindings, "// TODO #12: later\nconst s = 'TODO'"), 0)
  assert.equal(
    find(endingFindings, "import { a } from './a'\nimport { b } from './b.js'\nimport 'node:fs'"),
    1,
  )
})

test('finds functions of every form', () => {
  const count = (text: string) => functionLines(tokenize(text).tokens).length
  assert.equal(count('function f() {}'), 1)
  assert.equal(count('function f<T>(a: T): asserts a is B {}'), 1)
  assert.equal(count('function f(): { a: number } {}'), 1)
  assert.equal(count('function f(): Record<string, { a: 1 }> {}'), 1)
  assert.equal(
    count('class A { m(): void {} get b(): string {} static { } constructor(a: number) {} #p(a = {}) {} }'),
    4,
  )
  assert.equal(count('const f = (a: number): void => {}'), 1)
  assert.equal(count('const o = { m() {}, n: () => {}, p: () => ({}) }'), 2)
  assert.equal(count('if (a) {} for (const b of c) {} while (d) {} switch (e) {} try {} catch (f) {}'), 0)
  assert.equal(count('interface A { m(): void; n(a: B): { c: D } }'), 0)
  const [lines] = functionLines(tokenize('\nfunction f(\n  a: A,\n): B {\n}\n').tokens)
  assert.deepEqual(lines, { first: 2, last: 5 })
})

test('splits a source into tokens', () => {
  const words = (text: string) =>
    tokenize(withValues(text))
      .tokens.filter(({ kind }) => kind === 'word')
      .map(({ text }) => text)
  assert.deepEqual(words('a /b/ c; \'d\' "e" `f @{g + `h@{i}`} j` // k\n/* l */ m'), [
    'a',
    'b',
    'c',
    'g',
    'i',
    'm',
  ])
  assert.deepEqual(words('a = /"[/]/g; b'), ['a', 'b'])
  assert.deepEqual(words("return /x'/.test(y) ? a / b / c : d"), ['return', 'test', 'y', 'a', 'b', 'c', 'd'])
  assert.deepEqual(words("'it\\'s' a; `\\` @{b}` c; `@{{ d: 1 }}` e"), ['a', 'b', 'c', 'd', 'e'])
  const [, second] = tokenize('/*\n\n*/ a\n`\n`; b').tokens
  assert.equal(second?.line, 4)
  assert.equal(tokenize('`\n\n` b').tokens.at(-1)?.line, 3)
})
