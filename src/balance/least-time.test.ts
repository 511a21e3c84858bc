import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeView, slotSet } from '../../test/contract/policy.contract.js'
import { picks } from '../../test/support/picks.js'
import { localPolicyMemory } from '../cells/policy-memory.js'
import { LeastTime } from './least-time.js'

/** A policy that has measured these connect times, by slot. */
function measured(timesMs: readonly number[], slots = timesMs.length, nowMs = 0): LeastTime {
  const policy = new LeastTime(localPolicyMemory(slots))
  for (const [slot, tookMs] of timesMs.entries()) policy.observe(slot, tookMs, nowMs)
  return policy
}

test('the shortest connect time wins among idle remotes', () => {
  assert.deepEqual(picks(measured([5, 2, 9]), new FakeView([1, 1, 1]), 100, false), [0, 100, 0])
})

test('held sessions are shared by weight divided by time', () => {
  assert.deepEqual(picks(measured([1, 2, 4]), new FakeView([1, 1, 1]), 70, true), [40, 20, 10])
  assert.deepEqual(picks(measured([1, 2, 4]), new FakeView([1, 2, 4]), 60, true), [20, 20, 20])
})

test('a remote of unknown time is tried by one client, and taken for average until it is measured', () => {
  const policy = measured([1, 1], 3)
  const view = new FakeView([1, 1, 1])
  view.nowMs = 1
  assert.deepEqual(picks(policy, view, 1, false), [0, 0, 1])
  assert.deepEqual(picks(policy, view, 300, true), [100, 100, 100])
  policy.observe(2, 50, 0)
  assert.deepEqual(picks(policy, view, 100, false)[2], 0)
})

test('an old measurement counts less than a new one', () => {
  const policy = measured([100, 10])
  const view = new FakeView([1, 1])
  policy.observe(0, 1, 60_000)
  policy.observe(1, 10, 60_000)
  view.nowMs = 60_000
  assert.equal(policy.pick(view, slotSet()), 0)
})

test('one fast connect does not hide a row of slow ones', () => {
  const policy = measured([10, 50])
  for (let i = 0; i < 20; i++) policy.observe(1, 50, i)
  policy.observe(1, 1, 20)
  const view = new FakeView([1, 1])
  view.nowMs = 20
  assert.equal(policy.pick(view, slotSet()), 0)
})

test('a remote that was slow is measured again after ten seconds, by one client', () => {
  const policy = measured([1, 1_000])
  const view = new FakeView([1, 1])
  view.nowMs = 9_999
  assert.deepEqual(picks(policy, view, 10, false), [10, 0])
  policy.observe(0, 1, 9_999)
  view.nowMs = 10_000
  assert.deepEqual(picks(policy, view, 10, false), [9, 1])
  policy.observe(0, 1, 19_000)
  view.nowMs = 19_999
  assert.deepEqual(picks(policy, view, 10, false), [10, 0], 'it has not answered yet')
})

test('times below the resolution of the clock are equal', () => {
  assert.deepEqual(picks(measured([0, 0.05]), new FakeView([1, 1]), 100, true), [50, 50])
})

test('a new worker knows the times of the others, and tries only a new remote', () => {
  const memory = localPolicyMemory(3)
  const before = new LeastTime(memory)
  for (const [slot, tookMs] of [5, 2].entries()) before.observe(slot, tookMs, 1_000)
  const view = new FakeView([1, 1, 1])
  view.nowMs = 10_999
  assert.deepEqual(picks(new LeastTime(memory), view, 100, false), [0, 99, 1])
  view.nowMs = 11_000
  assert.deepEqual(
    picks(new LeastTime(memory), view, 100, false),
    [1, 99, 0],
    'the slow one is measured again',
  )
  assert.deepEqual(picks(new LeastTime(memory), view, 100, false), [0, 100, 0], 'by one worker')
})

test('a remote that cannot have been measured is measured', () => {
  for (const [connectMs, atMs] of [
    [NaN, 0],
    [-5, 0],
    [1e300, 0],
    [Infinity, Infinity],
    [1, NaN],
    [1, 1e300],
  ] as const) {
    const memory = localPolicyMemory(2)
    new LeastTime(memory).observe(1, 5, 1_000)
    memory.connectMs[0] = connectMs
    for (const column of [memory.connectedAtMs, memory.triedAtMs]) column[0] = atMs
    const policy = new LeastTime(memory)
    const view = new FakeView([1, 1])
    view.nowMs = 1_000
    assert.deepEqual(picks(policy, view, 1, false), [1, 0], `${connectMs} at ${atMs}`)
    policy.observe(0, 7, 1_000)
    assert.deepEqual(picks(policy, view, 10, false), [0, 10], `${connectMs} at ${atMs}`)
  }
})
