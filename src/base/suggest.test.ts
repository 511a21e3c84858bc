import assert from 'node:assert/strict'
import { test } from 'node:test'
import { editDistance, nearest } from './suggest.js'

test('the distance counts insertions, deletions, substitutions and transpositions', () => {
  assert.equal(editDistance('port', 'port'), 0)
  assert.equal(editDistance('prot', 'port'), 1)
  assert.equal(editDistance('adress', 'address'), 1)
  assert.equal(editDistance('', 'abc'), 3)
  assert.equal(editDistance('kitten', 'sitting'), 3)
})

test('suggests the nearest word, and none when all are far', () => {
  assert.equal(nearest('prot', ['address', 'port', 'path']), 'port')
  assert.equal(nearest('INFOO', ['INFO', 'ERR']), 'INFO')
  assert.equal(nearest('frobnicate', ['address', 'port']), undefined)
  assert.equal(nearest('x', ['y', 'address']), undefined)
  assert.equal(nearest('x'.repeat(100_000), ['address']), undefined)
})
