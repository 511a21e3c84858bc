import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hashWord } from './hash.js'
import { BUILD_STEPS, ENTRIES, MaglevTable } from './maglev-table.js'
import { NONE } from './policy.js'

const seedsOf = (count: number) => Int32Array.from({ length: count }, (_, slot) => hashWord(slot, 0))

function built(members: readonly number[], weights: readonly number[]): MaglevTable {
  const table = new MaglevTable(members, weights, seedsOf(weights.length))
  table.build(BUILD_STEPS)
  return table
}

/** Entries by slot, and those of nobody. */
function entriesOf(table: MaglevTable, slots: number): { owned: number[]; unclaimed: number } {
  const owned = new Array<number>(slots).fill(0)
  let unclaimed = 0
  for (let entry = 0; entry < ENTRIES; entry++) {
    const slot = table.find(entry)
    if (slot === NONE) unclaimed++
    else owned[slot] = (owned[slot] as number) + 1
  }
  return { owned, unclaimed }
}

function assertExact(weights: readonly number[], tolerance: number): void {
  const table = built([...weights.keys()], weights)
  const { owned, unclaimed } = entriesOf(table, weights.length)
  const sum = weights.reduce((a, b) => a + b)
  for (const [slot, weight] of weights.entries()) {
    const rest = table.rest[slot] as number
    const share = (ENTRIES * weight) / sum
    assert.ok(rest >= 0, `${rest}`)
    assert.ok(
      Math.abs((owned[slot] as number) + rest - share) <= tolerance * share,
      `slot ${slot} of ${weights}`,
    )
  }
  const restSum = table.rest.reduce((a, b) => a + b)
  assert.ok(Math.abs(restSum - unclaimed) < 1e-3, `${restSum} of ${unclaimed} unclaimed entries`)
}

test('owned entries and the part of the unclaimed ones are exactly the share, for any number of remotes', () => {
  for (const count of [1, 2, 3, 7, 100, 656, 960, 999, 1_000]) assertExact(new Array(count).fill(1), 1e-9)
})

test('so they are for any weights', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 2_147_483_647 }), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(weights, (weights) => assertExact(weights, 1e-6)),
    { numRuns: 20 },
  )
})

test('few entries stay unclaimed', () => {
  for (const count of [1, 10, 100, 1_000]) {
    const { unclaimed } = entriesOf(built([...Array(count).keys()], new Array(count).fill(1)), count)
    assert.ok(unclaimed <= 5 * count, `${unclaimed} for ${count} remotes`)
  }
})

test('one remote that goes moves less than 1 % of the clients of the others', (t) => {
  for (const count of [2, 3, 10, 100, 400, 450, 1_000]) {
    const weights = new Array<number>(count).fill(1)
    const members = [...weights.keys()]
    const gone = count >> 1
    const before = built(members, weights)
    const after = built(
      members.filter((slot) => slot !== gone),
      weights,
    )
    let kept = 0
    let moved = 0
    for (let entry = 0; entry < ENTRIES; entry++) {
      const owner = before.find(entry)
      if (owner === gone) continue
      // Unclaimed in both: rendezvous hashing moves nobody whose remote is still there, by nearly equal shares.
      if (after.find(entry) === owner) kept++
      else moved++
    }
    const part = moved / (kept + moved)
    t.diagnostic(`${count} remotes: ${(100 * part).toFixed(2)} %`)
    assert.ok(part < 0.01, `${moved} of ${kept + moved} for ${count} remotes`)
  }
})

test('is the same when built in steps, and whatever the order of members', () => {
  const weights = [3, 1, 4, 1, 5]
  const whole = built([0, 1, 2, 3, 4], weights)
  const stepwise = new MaglevTable([4, 2, 0, 1, 3], weights, seedsOf(5))
  for (let step = 0; step < BUILD_STEPS; step++) {
    assert.equal(stepwise.isBuilt, false)
    stepwise.build(1)
  }
  assert.equal(stepwise.isBuilt, true)
  for (let entry = 0; entry < ENTRIES; entry++) assert.equal(stepwise.find(entry), whole.find(entry))
})

test('without any weight all entries are unclaimed', () => {
  assert.equal(entriesOf(built([0, 1], [0, 0]), 2).unclaimed, ENTRIES)
})
