import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FakeView, slotSet } from '../../test/contract/policy.contract.js'
import { picks } from '../../test/support/picks.js'
import { NONE } from './policy.js'
import { RoundRobin } from './round-robin.js'
import { firstSlots } from './slot-numbers.js'

const order = (policy: RoundRobin, view: FakeView, count: number) =>
  Array.from({ length: count }, () => policy.pick(view, slotSet()))

test('mixes the turns of a heavy remote with those of the others', () => {
  assert.deepEqual(order(new RoundRobin(firstSlots(3)), new FakeView([5, 1, 1]), 7), [0, 0, 1, 0, 2, 0, 0])
})

test('gives each remote exactly its weight of every cycle, whatever its sessions', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(weights, (weights) => {
      const sum = weights.reduce((a, b) => a + b)
      const policy = new RoundRobin(firstSlots(weights.length))
      const busy = new FakeView(
        weights,
        weights.map((_, slot) => slot * 100),
      )
      for (let cycle = 0; cycle < 3; cycle++) assert.deepEqual(picks(policy, busy, sum, true), weights)
    }),
  )
})

test('is never further from the exact share than the number of remotes', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(weights, fc.nat({ max: 200 }), (weights, count) => {
      const sum = weights.reduce((a, b) => a + b)
      const taken = picks(new RoundRobin(firstSlots(weights.length)), new FakeView(weights), count, false)
      for (const [slot, weight] of weights.entries()) {
        const away = Math.abs((taken[slot] as number) - (count * weight) / sum)
        assert.ok(away <= weights.length, `slot ${slot} has ${taken} of ${count} for ${weights}`)
      }
    }),
  )
})

test('unusable remotes are skipped, and do not catch up', () => {
  const policy = new RoundRobin(firstSlots(3))
  const view = new FakeView([1, 1, 2])
  view.down.add(1)
  assert.deepEqual(picks(policy, view, 300, false), [100, 0, 200])
  view.down.clear()
  assert.deepEqual(picks(policy, view, 400, false), [100, 100, 200])
})

test('turns are taken over by remote, not by slot', () => {
  const view = new FakeView([1, 1, 1])
  const before = new RoundRobin(firstSlots(3))
  assert.deepEqual(order(before, view, 2), [0, 1])
  const after = new RoundRobin(firstSlots(3))
  after.continueFrom(before, [2, 1, 0])
  assert.equal(after.pick(view, slotSet()), 0, 'what was slot 2 is next')
  const withNew = new RoundRobin(firstSlots(3))
  withNew.continueFrom(before, [0, 1, NONE])
  assert.equal(withNew.pick(view, slotSet()), 2, 'a new remote has had no turn')
})
