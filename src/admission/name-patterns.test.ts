import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NamePatterns } from './name-patterns.js'

/** Each pattern is its own value. */
function patterns(...all: readonly string[]): NamePatterns<string> {
  const names = new NamePatterns<string>()
  for (const pattern of all) names.set(pattern, pattern)
  return names
}

function found(names: NamePatterns<string>, name: string): readonly string[] {
  const values: string[] = []
  const isFound = names.collect(name, { add: (value) => values.push(value) })
  assert.equal(isFound, values.length > 0)
  return values
}

test('finds exact names, wildcards of any depth, and the pattern for every name', () => {
  const names = patterns('*', 'example.com', '*.example.com', 'www.example.com', '*.com', '*.a.b.c')
  const rows: Readonly<Record<string, readonly string[]>> = {
    'example.com': ['*', 'example.com', '*.com'],
    'www.example.com': ['*', 'www.example.com', '*.com', '*.example.com'],
    'x.y.example.com': ['*', '*.com', '*.example.com'],
    'notexample.com': ['*', '*.com'],
    com: ['*'],
    'a.b.c': ['*'],
    'x.a.b.c': ['*', '*.a.b.c'],
    'x.y.a.b.c': ['*', '*.a.b.c'],
    '': [],
  }
  for (const [name, values] of Object.entries(rows)) assert.deepEqual(found(names, name), values, name)
})

test('finds nothing without patterns', () => {
  assert.deepEqual(found(patterns(), 'a.b'), [])
  assert.deepEqual(found(patterns('a'), 'a.b'), [])
  assert.equal(patterns('a').collect('a'), true)
})

test('returns the value of a pattern', () => {
  const names = patterns('*', '*.a', 'a')
  for (const pattern of ['*', '*.a', 'a']) assert.equal(names.get(pattern), pattern)
  for (const pattern of ['b', '*.b']) assert.equal(names.get(pattern), undefined)
})

test('a name of 127 labels is looked up only for the lengths of the patterns', (t) => {
  const lookups = t.mock.method(Map.prototype, 'get')
  const names = patterns('*.example.com', '*.a.b.c.d')
  lookups.mock.resetCalls()
  names.collect(`${'a.'.repeat(125)}b`)
  const count = lookups.mock.callCount()
  lookups.mock.restore()
  assert.equal(count, 2)
})
