import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeView, slotSet } from '../../test/contract/policy.contract.js'
import { picks } from '../../test/support/picks.js'
import { First } from './first.js'

test('the first usable remote of the configuration gets all clients', () => {
  const view = new FakeView([1, 5, 5], undefined, [2, 0, 1])
  assert.deepEqual(picks(new First(), view, 10, true), [0, 0, 10])
  view.down.add(2)
  assert.deepEqual(picks(new First(), view, 10, true), [10, 0, 0])
  assert.equal(new First().pick(view, slotSet([0])), 1)
})
