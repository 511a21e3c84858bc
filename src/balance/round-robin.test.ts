import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FakeView, slotSet } from '../../test/contract/policy.contract.js'
import { picks } from '../../test/support/picks.js'
import { localPolicyMemory } from '../cells/policy-memory.js'
import { RoundRobin } from './round-robin.js'

const order = (policy: RoundRobin, view: FakeView, count: number) =>
  Array.from({ length: count }, () => policy.pick(view, slotSet()))

test('mixes the turns of a heavy remote with those of the others', () => {
  assert.deepEqual(
    order(new RoundRobin(localPolicyMemory(3)), new FakeView([5, 1, 1]), 7),
    [0, 0, 1, 0, 2, 0, 0],
  )
})

test('gives each remote exactly its weight of every cycle, whatever its sessions', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(weights, (weights) => {
      const sum = weights.reduce((a, b) => a + b)
      const policy = new RoundRobin(localPolicyMemory(weights.length))
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
      const taken = picks(
        new RoundRobin(localPolicyMemory(weights.length)),
        new FakeView(weights),
        count,
        false,
      )
      for (const [slot, weight] of weights.entries()) {
        const away = Math.abs((taken[slot] as number) - (count * weight) / sum)
        assert.ok(away <= weights.length, `slot ${slot} has ${taken} of ${count} for ${weights}`)
      }
    }),
  )
})

test('unusable remotes are skipped, and do not catch up', () => {
  const policy = new RoundRobin(localPolicyMemory(3))
  const view = new FakeView([1, 1, 2])
  view.down.add(1)
  assert.deepEqual(picks(policy, view, 300, false), [100, 0, 200])
  view.down.clear()
  assert.deepEqual(picks(policy, view, 400, false), [100, 100, 200])
})

test('a new worker goes on where the others are', () => {
  const view = new FakeView([5, 1, 1])
  const memory = localPolicyMemory(3)
  const turns = Array.from({ length: 7 }, () => new RoundRobin(memory).pick(view, slotSet()))
  assert.deepEqual(turns, [0, 0, 1, 0, 2, 0, 0])
})

test('workers take turns together, and a new remote has had none', () => {
  const view = new FakeView([1, 1, 1], undefined, [0, 1])
  const memory = localPolicyMemory(3)
  const [one, other] = [new RoundRobin(memory), new RoundRobin(memory)]
  assert.deepEqual(
    [one, other, one].map((policy) => policy.pick(view, slotSet())),
    [0, 1, 0],
  )
  const withNew = new FakeView([1, 1, 1])
  assert.deepEqual(order(other, withNew, 3), [1, 2, 0])
})

test('shares become right again whatever another worker has written', () => {
  const credits = fc.array(fc.double(), { minLength: 3, maxLength: 3 })
  fc.assert(
    fc.property(credits, (credits) => {
      const memory = localPolicyMemory(3)
      memory.credits.set(credits)
      const policy = new RoundRobin(memory)
      const view = new FakeView([1, 2, 3])
      picks(policy, view, 100, false)
      assert.deepEqual(picks(policy, view, 600, false), [100, 200, 300])
    }),
  )
})
