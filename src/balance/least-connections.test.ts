import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FakeView, slotSet } from '../../test/contract/policy.contract.js'
import { anySeed, assertShares } from '../../test/support/chi-square.js'
import { picks } from '../../test/support/picks.js'
import { LeastConnections } from './least-connections.js'

test('40 held connections on weights 1 and 3 give 10 and 30', () => {
  assert.deepEqual(picks(new LeastConnections(), new FakeView([1, 3]), 40, true), [10, 30])
})

test('held connections are shared by weight, exactly when they divide', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(weights, fc.integer(), fc.nat({ max: 5 }), (weights, seed, cycles) => {
      const sum = weights.reduce((a, b) => a + b)
      const view = new FakeView(weights, undefined, undefined, seed)
      assert.deepEqual(
        picks(new LeastConnections(), view, cycles * sum, true),
        weights.map((weight) => cycles * weight),
      )
    }),
  )
})

test('connections that never overlap are shared by weight, at random', (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  const weights = [1, 2, 3, 4, 5]
  const view = new FakeView(weights, undefined, undefined, seed)
  assertShares(picks(new LeastConnections(), view, 50_000, false), weights, seed)
})

test('the fewest sessions win, in proportion to the weight', () => {
  const policy = new LeastConnections()
  assert.equal(policy.pick(new FakeView([1, 1, 1], [5, 4, 5]), slotSet()), 1)
  assert.equal(policy.pick(new FakeView([1, 10], [1, 9]), slotSet()), 1)
  assert.equal(policy.pick(new FakeView([1, 10], [1, 11]), slotSet()), 0)
})
