import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FakeView, slotSet } from '../../test/contract/policy.contract.js'
import { picks } from '../../test/support/picks.js'
import { localPolicyMemory } from '../cells/policy-memory.js'
import { LeastUse } from './least-use.js'

test('40 held connections on weights 1 and 3 give 10 and 30', () => {
  assert.deepEqual(picks(new LeastUse(localPolicyMemory(2)), new FakeView([1, 3]), 40, true), [10, 30])
})

test('held connections are shared by weight, to within one connection', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(weights, fc.integer({ min: 0, max: 300 }), (weights, count) => {
      const taken = picks(new LeastUse(localPolicyMemory(weights.length)), new FakeView(weights), count, true)
      const sum = weights.reduce((a, b) => a + b)
      for (const [slot, weight] of weights.entries()) {
        const share = (count * weight) / sum
        const away = Math.abs((taken[slot] ?? 0) - share)
        assert.ok(away <= weight + 1, `slot ${slot} has ${taken} of ${count} for ${weights}`)
      }
      if (count > 0 && count % sum === 0) {
        assert.deepEqual(
          taken,
          weights.map((weight) => (count / sum) * weight),
        )
      }
    }),
  )
})

test('connections that never overlap are shared by weight too', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(weights, (weights) => {
      const sum = weights.reduce((a, b) => a + b)
      const taken = picks(
        new LeastUse(localPolicyMemory(weights.length)),
        new FakeView(weights),
        sum * 10,
        false,
      )
      for (const [slot, weight] of weights.entries()) {
        const away = Math.abs((taken[slot] ?? 0) - weight * 10)
        assert.ok(away <= 1, `slot ${slot} has ${taken} for ${weights}`)
      }
    }),
  )
})

test('ties rotate for ever, however heavy the weights and however long it runs', () => {
  for (const weight of [1, 1_000, 2_147_483_647]) {
    const policy = new LeastUse(localPolicyMemory(2))
    // A light sibling moves the turns of all of them far ahead.
    const crowd = new LeastUse(localPolicyMemory(3))
    const view = new FakeView([weight, weight, 1])
    view.down.add(0).add(1)
    for (let i = 0; i < 100_000; i++) crowd.pick(view, slotSet())
    view.down.clear()
    view.down.add(2)
    assert.deepEqual(picks(policy, new FakeView([weight, weight]), 1_000, false), [500, 500])
    assert.deepEqual(picks(crowd, view, 1_000, false).slice(0, 2), [500, 500], `weight ${weight}`)
  }
})

test('ties rotate when the virtual time begins anew', () => {
  const memory = localPolicyMemory(3)
  memory.turns.fill(2 ** 20 - 2.5)
  assert.deepEqual(picks(new LeastUse(memory), new FakeView([1, 1, 2]), 80, false), [20, 20, 40])
})

test('the least used remote wins, regardless of turns', () => {
  const policy = new LeastUse(localPolicyMemory(3))
  const view = new FakeView([1, 1, 1], [5, 4, 5])
  assert.equal(policy.pick(view, slotSet()), 1)
  assert.equal(policy.pick(view, slotSet()), 1)
  view.use[1] = 6
  assert.ok([0, 2].includes(policy.pick(view, slotSet())))
})

test('use counts in proportion to the weight', () => {
  const policy = new LeastUse(localPolicyMemory(2))
  assert.equal(policy.pick(new FakeView([1, 10], [1, 9]), slotSet()), 1)
  assert.equal(policy.pick(new FakeView([1, 10], [1, 11]), slotSet()), 0)
})

test('a remote that was down does not catch up on missed turns', () => {
  const policy = new LeastUse(localPolicyMemory(3))
  const view = new FakeView([1, 1, 1])
  view.down.add(2)
  assert.deepEqual(picks(policy, view, 1_000, false), [500, 500, 0])
  view.down.clear()
  const [one = 0, two = 0, back = 0] = picks(policy, view, 30, false)
  assert.ok(back >= 10 && back <= 11, `${one} ${two} ${back}`)
})

test('unusable remotes are skipped and the others share their part', () => {
  const view = new FakeView([1, 1, 2])
  view.down.add(0)
  assert.deepEqual(picks(new LeastUse(localPolicyMemory(3)), view, 30, true), [0, 10, 20])
})

test('a new worker goes on where the others are, and a new remote is due at once', () => {
  const memory = localPolicyMemory(3)
  const view = new FakeView([1, 1, 1], undefined, [0, 1])
  const order = (count: number, view: FakeView) =>
    Array.from({ length: count }, () => new LeastUse(memory).pick(view, slotSet()))
  assert.deepEqual(order(5, view), [0, 1, 0, 1, 0])
  assert.deepEqual(order(4, new FakeView([1, 1, 1])), [1, 2, 0, 1])
})

test('ties rotate whatever another worker has written', () => {
  const turns = fc.array(fc.double(), { minLength: 3, maxLength: 3 })
  fc.assert(
    fc.property(turns, (turns) => {
      const memory = localPolicyMemory(3)
      memory.turns.set(turns)
      const policy = new LeastUse(memory)
      const view = new FakeView([1, 1, 2])
      picks(policy, view, 100, false)
      const taken = picks(policy, view, 400, false)
      for (const [slot, weight] of view.weight.entries())
        assert.ok(Math.abs((taken[slot] ?? 0) - 100 * weight) <= 2, `${taken} after ${turns}`)
    }),
  )
})

test('a negative use is treated as zero', () => {
  assert.deepEqual(
    picks(new LeastUse(localPolicyMemory(3)), new FakeView([1, 1, 1], [-1_000_000, 0, 0]), 30, false),
    [10, 10, 10],
  )
})
