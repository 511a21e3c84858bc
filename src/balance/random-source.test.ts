import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anySeed, assertShares } from '../../test/support/chi-square.js'
import { RandomSource } from './random-source.js'

test('numbers are uniform between 0 and 1', (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  const source = new RandomSource(seed)
  const counts = [0, 0, 0, 0, 0]
  for (let i = 0; i < 100_000; i++) {
    const fifth = Math.floor(source.next() * 5)
    counts[fifth] = (counts[fifth] as number) + 1
  }
  assertShares(counts, [1, 1, 1, 1, 1], seed)
})

test('the seed decides them', () => {
  const three = (seed: number) => {
    const source = new RandomSource(seed)
    return [source.next(), source.next(), source.next()]
  }
  assert.deepEqual(three(7), three(7))
  assert.notDeepEqual(three(7), three(8))
})
