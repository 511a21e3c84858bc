import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeView, slotSet } from '../../test/contract/policy.contract.js'
import { picks } from '../../test/support/picks.js'
import { localPolicyMemory } from '../cells/policy-memory.js'
import { LeastBandwidth } from './least-bandwidth.js'

test('the remote with the fewest bytes per second in proportion to its weight wins', () => {
  const policy = new LeastBandwidth(localPolicyMemory(3))
  for (const [slot, bytes] of [30_000, 10_000, 50_000].entries()) policy.observe(slot, bytes, 0)
  assert.equal(policy.pick(new FakeView([1, 1, 1]), slotSet()), 1)
  assert.equal(policy.pick(new FakeView([1, 1, 10]), slotSet()), 2)
})

test('clients are shared by weight while no bytes are known', () => {
  assert.deepEqual(
    picks(new LeastBandwidth(localPolicyMemory(3)), new FakeView([1, 2, 3]), 600, true),
    [100, 200, 300],
  )
})

test('a burst of clients is shared, though one remote was less busy before it', () => {
  const policy = new LeastBandwidth(localPolicyMemory(2))
  policy.observe(0, 100_000, 0)
  policy.observe(1, 90_000, 0)
  const [one = 0, two = 0] = picks(policy, new FakeView([1, 1], [10, 10]), 40, true)
  assert.ok(two > one && one >= 15, `${one} and ${two}`)
})

test('bytes count for less as they age', () => {
  const policy = new LeastBandwidth(localPolicyMemory(2))
  policy.observe(0, 1_000_000, 0)
  policy.observe(1, 500_000, 60_000)
  const view = new FakeView([1, 1])
  view.nowMs = 60_000
  assert.equal(policy.pick(view, slotSet()), 0)
})

test('sessions of unequal traffic: the bytes become even, not the sessions', () => {
  const policy = new LeastBandwidth(localPolicyMemory(2))
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

test('short sessions: what a client is charged does not outgrow the bytes', () => {
  const policy = new LeastBandwidth(localPolicyMemory(2))
  const view = new FakeView([1, 1])
  const rates = [0, 0]
  // No session is open when the next client comes; those of slot 0 transfer four times as much.
  for (let i = 0; i < 5_000; i++) {
    view.nowMs = i * 10
    const slot = policy.pick(view, slotSet())
    const bytes = slot === 0 ? 4_000 : 1_000
    policy.observe(slot, bytes, view.nowMs)
    if (i >= 2_500) rates[slot] = (rates[slot] as number) + bytes
  }
  const [one = 0, two = 0] = rates
  assert.ok(one / two < 2.5, `${one} and ${two} bytes; equal sessions would make it 4`)
})

test('a new worker knows the rates of the others', () => {
  const memory = localPolicyMemory(2)
  new LeastBandwidth(memory).observe(0, 10_000, 1_000)
  const view = new FakeView([1, 1], [10, 10])
  view.nowMs = 1_000
  assert.deepEqual(picks(new LeastBandwidth(memory), view, 10, false), [0, 10])
})

test('a rate that another worker cannot have measured is none', () => {
  for (const [rate, atMs] of [
    [NaN, 1_000],
    [-1e9, 1_000],
    [1e300, 1_000],
    [1e9, NaN],
    [1e9, 1e300],
  ] as const) {
    const memory = localPolicyMemory(2)
    memory.byteRates[0] = rate
    memory.ratedAtMs[0] = atMs
    const policy = new LeastBandwidth(memory)
    const view = new FakeView([1, 1])
    view.nowMs = 1_000
    assert.deepEqual(picks(policy, view, 40, true), [20, 20], `${rate} at ${atMs}`)
  }
})
