import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeView, slotSet } from '../../test/contract/policy.contract.js'
import { anySeed, assertShares } from '../../test/support/chi-square.js'
import { hashWord } from './hash.js'
import { Maglev } from './maglev.js'
import { ENTRIES } from './maglev-table.js'
import { firstSlots } from './slot-range.js'

const CLIENTS = 20_000

function chosen(policy: Maglev, view: FakeView, count = CLIENTS, seed = 0): number[] {
  return Array.from({ length: count }, (_, client) => {
    view.key = hashWord(client, seed) >>> 0
    return policy.pick(view, slotSet())
  })
}

/** How many clients moved between remotes other than `except`. */
function movedBeside(except: number, before: readonly number[], after: readonly number[]): number {
  return before.filter((slot, i) => slot !== except && after[i] !== except && after[i] !== slot).length
}

test('no remote of a hundred gets more than 1.01 times the mean of all keys', () => {
  const view = new FakeView(new Array(100).fill(1))
  const policy = new Maglev(firstSlots(100))
  const counts = new Array<number>(100).fill(0)
  const keys = 10 * ENTRIES
  for (view.key = 0; view.key < keys; view.key++) {
    const slot = policy.pick(view, slotSet())
    counts[slot] = (counts[slot] as number) + 1
  }
  const worst = Math.max(...counts) / (keys / 100)
  assert.ok(worst <= 1.01, `${worst}`)
})

test('remotes with few entries get their share too', (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  // 500 remotes with a weight of 1 and as many with 9: of 13 entries of a light one, four are unclaimed.
  const view = new FakeView(Array.from({ length: 1_000 }, (_, slot) => (slot % 2 === 0 ? 1 : 9)))
  const light = chosen(new Maglev(firstSlots(1_000)), view, 50_000, seed).filter(
    (slot) => slot % 2 === 0,
  ).length
  assertShares([light, 50_000 - light], [1, 9], seed)
})

test('a remote that leaves the configuration moves less than 1 % of the clients of others', () => {
  for (const count of [3, 100, 500]) {
    const weights = new Array<number>(count).fill(1)
    const before = chosen(new Maglev(firstSlots(count)), new FakeView(weights))
    const members = [...weights.keys()].filter((slot) => slot !== 1)
    const after = chosen(new Maglev(firstSlots(count)), new FakeView(weights, undefined, members))
    assert.ok(!after.includes(1))
    const moved = before.filter((slot, i) => slot !== 1 && after[i] !== slot).length
    assert.ok(moved < 0.01 * CLIENTS, `${moved} of ${CLIENTS} for ${count} remotes`)
  }
})

test('a new weight is in force after eight clients, and moves few but its own', () => {
  const view = new FakeView([1, 1, 1, 1])
  const policy = new Maglev(firstSlots(4))
  const before = chosen(policy, view)
  view.weight[2] = 3
  policy.membersChanged()
  chosen(policy, view, 8)
  const after = chosen(policy, view)
  const share = after.filter((slot) => slot === 2).length / CLIENTS
  assert.ok(share > 0.48 && share < 0.52, `${share} instead of a half`)
  const moved = movedBeside(2, before, after)
  assert.ok(moved < 0.02 * CLIENTS, `${moved} of ${CLIENTS}`)
})

test('the old weights are in force until the new table is complete', () => {
  const view = new FakeView([1, 1])
  const policy = new Maglev(firstSlots(2))
  const before = chosen(policy, view, 7)
  view.weight[0] = 1_000
  policy.membersChanged()
  assert.deepEqual(chosen(policy, view, 7), before)
})

test('the build ends: without a further report, a table is not replaced', () => {
  const view = new FakeView([1, 1])
  const policy = new Maglev(firstSlots(2))
  chosen(policy, view, 1)
  policy.membersChanged()
  const before = chosen(policy, view, 100)
  view.weight[0] = 1_000
  assert.deepEqual(chosen(policy, view, 100), before)
})

test('weights that change all the time still come into force', () => {
  const view = new FakeView([1, 1])
  const policy = new Maglev(firstSlots(2))
  chosen(policy, view, 1)
  for (let weight = 2; weight < 100; weight++) {
    view.weight[0] = weight
    policy.membersChanged()
    chosen(policy, view, 1)
  }
  const share = chosen(policy, view, 1_000).filter((slot) => slot === 0).length
  assert.ok(share > 950, `${share} of 1,000`)
})

test('a remote in reserve that comes or goes moves no client of the others', () => {
  const tiers = [0, 0, 1, 1]
  const inUse = new FakeView([1, 1, 0, 0])
  const weights = [1, 1, 5, 5]
  const chosenWith = (members: readonly number[]) => {
    const view = new FakeView(weights, undefined, members)
    for (const slot of [2, 3]) view.down.add(slot)
    return chosen(new Maglev(firstSlots(4), { tiers }), view)
  }
  const before = chosenWith([0, 1, 2, 3])
  assert.deepEqual(chosenWith([0, 1, 3]), before)
  assert.deepEqual(chosen(new Maglev(firstSlots(4)), inUse), before)
})

test('remotes in reserve get their shares while the others are down', (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  const view = new FakeView([1, 1, 1, 3])
  for (const slot of [0, 1]) view.down.add(slot)
  const slots = chosen(new Maglev(firstSlots(4), { tiers: [0, 0, 1, 1] }), view, CLIENTS, seed)
  const light = slots.filter((slot) => slot === 2).length
  assertShares([light, CLIENTS - light], [1, 3], seed)
})
