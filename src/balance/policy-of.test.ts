import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeView, slotSet } from '../../test/contract/policy.contract.js'
import { POLICY_NAMES } from '../base/policy-names.js'
import { localPolicyMemory } from '../cells/policy-memory.js'
import { policyOf } from './policy-of.js'
import { firstSlots } from './slot-range.js'

test('every name has a policy of its own, and least-use is the default', () => {
  const kinds = new Set(
    POLICY_NAMES.map((name) => policyOf(name, firstSlots(2), localPolicyMemory(2)).constructor),
  )
  assert.equal(kinds.size, POLICY_NAMES.length)
  assert.equal(POLICY_NAMES[0], 'least-use')
})

test('hands its options to the policies that hash', () => {
  for (const name of ['source', 'maglev'] as const) {
    const policy = policyOf(name, firstSlots(2), localPolicyMemory(2), { boundedLoad: 1 })
    const view = new FakeView([1, 1])
    const first = policy.pick(view, slotSet())
    view.use[first] = 1
    assert.equal(policy.pick(view, slotSet()), 1 - first, 'the same client, as the remote has its share')
  }
})

test('least-time and least-bandwidth say what they observe', () => {
  const observed = POLICY_NAMES.flatMap(
    (name) => policyOf(name, firstSlots(1), localPolicyMemory(1)).observes ?? [],
  )
  assert.deepEqual(observed, ['connect-ms', 'bytes'])
})
