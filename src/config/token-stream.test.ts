import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { fakeWorld } from '../../test/config/fake-world.js'
import { Problems } from './problems.js'
import { TokenStream } from './token-stream.js'

const WORDS = ['a', 'b', 'loop', '"q"', '=', '{', '}', '\n', 'include other', '# c\n', 'x', '"open']

function streamOf(text: string): TokenStream {
  const { sources } = fakeWorld({ other: 'y a\nz include third', third: 'b' })
  const problems = new Problems()
  const file = 'case'
  const bytes = Buffer.from(text)
  const stream = new TokenStream({
    file,
    bytes,
    sources,
    environment: new Map(),
    problems,
    isKeyword: () => false,
  })
  const position = { file, line: 1, column: 1 }
  const word = (of: string) => ({ kind: 'word' as const, text: of, position })
  stream.defineAlias(word('a'), [word('one'), word('b'), word('two')])
  stream.defineAlias(word('b'), [word('three')])
  stream.defineAlias(word('loop'), [word('x'), word('loop')])
  return stream
}

/** The tokens that are read, with a look-ahead of `looks` tokens before each. */
function readAll(text: string, looks: readonly number[]): readonly string[] {
  const stream = streamOf(text)
  const read: string[] = []
  for (let i = 0; i < 200; i++) {
    const look = looks[i % Math.max(1, looks.length)] ?? 0
    if (look > 0) stream.lookAhead(look)
    const { kind, position, text: of } = stream.next()
    read.push(`${kind} ${of} ${position.file}:${position.line}:${position.column}`)
    if (kind === 'end') break
  }
  return read
}

test('look-ahead does not change the tokens that are read', () => {
  const texts = fc.array(fc.constantFrom(...WORDS.filter((word) => word !== 'loop')), { maxLength: 30 })
  const looks = fc.array(fc.nat(6), { maxLength: 10 })
  fc.assert(
    fc.property(texts, looks, (words, counts) => {
      const text = words.join(' ')
      assert.deepEqual(readAll(text, counts), readAll(text, []))
    }),
  )
})

test('detects an alias that expands to itself, also during look-ahead', () => {
  assert.equal(readAll('loop a', [3]).at(-1)?.startsWith('end'), true)
})

test('look-ahead returns unexpanded tokens up to the end of the file', () => {
  const stream = streamOf('x a\n b')
  assert.deepEqual(
    stream.lookAhead(10).map(({ text }) => text),
    ['x', 'a', 'b', ''],
  )
})
