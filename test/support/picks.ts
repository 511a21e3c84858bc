/** Clients of a policy in a row, for tests of policies. */
import type { Policy } from '../../src/balance/policy.js'
import { type FakeView, slotSet } from '../contract/policy.contract.js'

/** Picks one after the other; `isHeld` sessions stay. Returns how often each slot was chosen. */
export function picks(policy: Policy, view: FakeView, count: number, isHeld: boolean): number[] {
  const taken = view.weight.map(() => 0)
  for (let i = 0; i < count; i++) {
    const slot = policy.pick(view, slotSet())
    taken[slot] = (taken[slot] ?? 0) + 1
    if (isHeld) view.use[slot] = (view.use[slot] ?? 0) + 1
  }
  return taken
}
