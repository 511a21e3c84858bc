import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeView, slotSet } from '../../test/contract/policy.contract.js'
import { picks } from '../../test/support/picks.js'
import { LeastBandwidth } from './least-bandwidth.js'
import { NONE } from './policy.js'
import { firstSlots } from './slot-numbers.js'

test('the remote with the fewest bytes per second in proportion to its weight wins', () => {
  const policy = new LeastBandwidth(firstSlots(3))
  for (const [slot, bytes] of [30_000, 10_000, 50_000].entries()) policy.observe(slot, bytes, 0)
  assert.equal(policy.pick(new FakeView([1, 1, 1]), slotSet()), 1)
  assert.equal(policy.pick(new FakeView([1, 1, 10]), slotSet()), 2)
})

test('clients are shared by weight while no bytes are known', () => {
  assert.deepEqual(
    picks(new LeastBandwidth(firstSlots(3)), new FakeView([1, 2, 3]), 600, true),
    [100, 200, 300],
  )
})

test('a burst of clients is shared, though one remote was less busy before it', () => {
  const policy = new LeastBandwidth(firstSlots(2))
  policy.observe(0, 100_000, 0)
  policy.observe(1, 90_000, 0)
  const [one = 0, two = 0] = picks(policy, new FakeView([1, 1], [10, 10]), 40, true)
  assert.ok(two > one && one >= 15, `${one} and ${two}`)
})

test('bytes count for less as they age', () => {
  const policy = new LeastBandwidth(firstSlots(2))
  policy.observe(0, 1_000_000, 0)
  policy.observe(1, 500_000, 60_000)
  const view = new FakeView([1, 1])
  view.nowMs = 60_000
  assert.equal(policy.pick(view, slotSet()), 0)
})

test('sessions of unequal traffic: the bytes become even, not the sessions', () => {
  const policy = new LeastBandwidth(firstSlots(2))
  const view = new FakeView([1, 3])
  const rates = [0, 0]
  // Every tenth session transfers a hundred times as much as the others; one begins each 100 ms and all stay.
  for (let i = 0; i < 600; i++) {
    view.nowMs = i * 100
    for (const [slot, rate] of rates.entries()) policy.observe(slot, rate / 10, view.nowMs)
    const slot = policy.pick(view, slotSet())
    view.use[slot] = (view.use[slot] as number) + 1
    rates[slot] = (rates[slot] as number) + (i % 10 === 0 ? 100_000 : 1_000)
  }
  const [one = 0, two = 0] = rates
  const share = two / (one + two)
  assert.ok(share > 0.7 && share < 0.8, `${share} of the bytes instead of three quarters`)
})

test('rates are taken over by remote, not by slot', () => {
  const before = new LeastBandwidth(firstSlots(2))
  before.observe(0, 10_000, 0)
  const after = new LeastBandwidth(firstSlots(2))
  after.continueFrom(before, [NONE, 0])
  assert.equal(after.pick(new FakeView([1, 1]), slotSet()), 0)
})
