import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { slotSet } from '../../test/contract/policy.contract.js'
import { DOWN, EXCLUDED, UP } from '../base/verdict.js'
import { localPolicyMemory } from '../cells/policy-memory.js'
import { LeastUse } from './least-use.js'
import { FULL, NONE } from './policy.js'
import { Pool, type PoolOptions } from './pool.js'
import { RemoteHealth } from './remote-health.js'
import { regularMembers } from './tiers.js'

/** A pool with remotes of these tiers. */
function poolOf(tiers: readonly number[], options: Partial<PoolOptions> = {}) {
  const verdict = new Int32Array(tiers.length)
  const health = new RemoteHealth(tiers.length, { verdict })
  const use = new Int32Array(tiers.length)
  const pool = new Pool({
    name: 'default',
    members: [...tiers.keys()],
    weights: tiers.map(() => 1),
    use,
    health,
    policy: new LeastUse(localPolicyMemory(tiers.length)),
    rebalance: 0,
    tiers,
    ...options,
  })
  return { health, pool, use, verdict }
}

/** The slots that clients at `nowMs` get, without repetition. */
function gotBy(pool: Pool, nowMs: number): number[] {
  return [...new Set(Array.from({ length: 50 }, () => pool.pick(slotSet(), nowMs)))].sort()
}

test('clients go to the next tier when a tier is down, and back', () => {
  const { pool, verdict } = poolOf([1, 0, 1, 0, 2])
  assert.deepEqual(gotBy(pool, 0), [1, 3])
  verdict[1] = EXCLUDED
  assert.deepEqual(gotBy(pool, 0), [3])
  verdict[3] = EXCLUDED
  assert.deepEqual(gotBy(pool, 0), [0, 2])
  verdict[0] = EXCLUDED
  verdict[2] = EXCLUDED
  assert.deepEqual(gotBy(pool, 0), [4])
  verdict[3] = UP
  assert.deepEqual(gotBy(pool, 0), [3])
})

test('a tier helps the better ones while these have too few usable remotes', () => {
  const { pool, verdict } = poolOf([0, 0, 0, 1, 1, 2], { tierMinUsable: 3 })
  assert.deepEqual(gotBy(pool, 0), [0, 1, 2])
  verdict[0] = EXCLUDED
  assert.deepEqual(gotBy(pool, 0), [1, 2, 3, 4])
  verdict[3] = EXCLUDED
  assert.deepEqual(gotBy(pool, 0), [1, 2, 4])
  verdict[4] = EXCLUDED
  assert.deepEqual(gotBy(pool, 0), [1, 2, 5])
  verdict[0] = UP
  assert.deepEqual(gotBy(pool, 0), [0, 1, 2])
})

test('the same client goes to the next tier when its attempt fails', () => {
  const { health, pool } = poolOf([0, 1])
  assert.equal(pool.pick(slotSet(), 0), 0)
  health.failed(0, 0, 1)
  assert.equal(pool.pick(slotSet([0]), 1), 1)
  assert.equal(pool.pick(slotSet(), 2), 1, 'and so does the next one')
  assert.equal(pool.pick(slotSet(), 1_001), 0, 'one client retries the better tier after its back-off')
  assert.equal(pool.pick(slotSet(), 1_001), 1, 'while the others wait for the outcome')
  health.succeeded(0)
  assert.deepEqual(gotBy(pool, 1_002), [0])
})

test('a client that has tried a tier without evidence against it gets the next tier', () => {
  const { pool } = poolOf([2, 0, 1])
  assert.deepEqual([pool.pick(slotSet([1]), 0), pool.pick(slotSet([1, 2]), 0)], [2, 0])
  assert.equal(pool.pick(slotSet([0, 1, 2]), 0), NONE)
})

test('a full tier is usable: clients wait', () => {
  const { health, pool, use } = poolOf([0, 1], { useMax: [1, 1] })
  use[0] = 1
  assert.equal(pool.pick(slotSet(), 0), FULL)
  health.failed(0, 0, 0)
  assert.equal(pool.pick(slotSet(), 1), 1)
})

test('remotes of weight 0 are not usable', () => {
  const { pool } = poolOf([0, 0, 1])
  pool.setWeight(0, 0)
  assert.deepEqual(gotBy(pool, 0), [1])
  pool.setWeight(1, 0)
  assert.deepEqual(gotBy(pool, 0), [2])
  pool.setWeight(0, 1)
  assert.deepEqual(gotBy(pool, 0), [0])
  const two = poolOf([0, 0, 1], { tierMinUsable: 2 }).pool
  two.setWeight(0, 0)
  assert.deepEqual(gotBy(two, 0), [1, 2])
})

test('a remote is outranked while better tiers have enough remotes that have served since they were down', () => {
  const { health, pool, verdict } = poolOf([0, 0, 1, 2], { tierMinUsable: 2 })
  const outranked = (nowMs: number) => [0, 1, 2, 3].filter((slot) => pool.isOutranked(slot, nowMs))
  assert.deepEqual(outranked(0), [2, 3])
  health.failed(0, 0, 1)
  assert.deepEqual(outranked(2), [3], 'one of the best is backed off from')
  assert.deepEqual(outranked(100_000), [3], 'its back-off is over, but it has not served yet')
  health.succeeded(0)
  assert.deepEqual(outranked(100_001), [2, 3])
  verdict[1] = DOWN
  assert.deepEqual(outranked(100_001), [3], 'another worker knows that one is down')
  verdict[2] = DOWN
  assert.deepEqual(outranked(100_001), [])
  assert.deepEqual(poolOf([0, 0]).pool.isOutranked(1, 0), false, 'without tiers')
})

test('a tier gets clients exactly while the better ones together have too few usable remotes', () => {
  const remote = fc.record({ tier: fc.nat({ max: 3 }), isUp: fc.boolean() })
  const remotes = fc.array(remote, { minLength: 1, maxLength: 10 })
  fc.assert(
    fc.property(remotes, fc.integer({ min: 1, max: 4 }), (remotes, tierMinUsable) => {
      const { pool, verdict } = poolOf(
        remotes.map(({ tier }) => tier),
        { tierMinUsable },
      )
      for (const [slot, { isUp }] of remotes.entries()) verdict[slot] = isUp ? UP : EXCLUDED
      const usable = remotes.flatMap(({ isUp }, slot) => (isUp ? [slot] : []))
      const expected = usable.filter((slot) => {
        const tier = remotes[slot]?.tier ?? 0
        return remotes.filter((other) => other.isUp && other.tier < tier).length < tierMinUsable
      })
      if (expected.length > 0) assert.deepEqual(gotBy(pool, 0), expected)
    }),
  )
})

test('regular members are those of the tiers that are in use while all remotes are up', () => {
  const regular = (tiers: readonly number[], weights: readonly number[], minUsable = 1) =>
    regularMembers([...tiers.keys()], tiers, weights, minUsable).sort()
  assert.deepEqual(regular([0, 1, 0, 2], [1, 1, 1, 1]), [0, 2])
  assert.deepEqual(regular([0, 1, 0, 2], [1, 1, 1, 1], 3), [0, 1, 2])
  assert.deepEqual(regular([0, 1, 0, 2], [1, 1, 0, 1]), [0, 2], 'a weight may change')
  assert.deepEqual(regular([0, 1, 0, 2], [0, 1, 0, 1]), [0, 1, 2])
  assert.deepEqual(regular([0, 1, 0, 2], [1, 1, 1, 1], 5), [0, 1, 2, 3])
})
