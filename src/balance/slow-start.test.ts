import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slotSet } from '../../test/contract/policy.contract.js'
import { POLICIES_WITHOUT_SLOW_START, POLICY_NAMES, type PolicyName } from '../base/policy-names.js'
import { localPolicyMemory } from '../cells/policy-memory.js'
import { hashWord } from './hash.js'
import { policyOf } from './policy-of.js'
import { Pool } from './pool.js'
import { RemoteHealth } from './remote-health.js'
import { firstSlots } from './slot-range.js'
import { SlowStart } from './slow-start.js'

/** Much longer than the time over which `least-bandwidth` compares bytes: they lag behind the weight. */
const T = 300_000
const UP_AT = 1_000_000
const SHARES = [0, 0.05, 0.25, 0.5, 0.75, 0.99, 1, 2]

function slowStart({ aggression = 1, isDown = false, upAtMs = UP_AT, durationMs = T } = {}) {
  return new SlowStart({ aggression, durationsMs: [durationMs], verdict: [isDown ? 1 : 0], upAtMs: [upAtMs] })
}

const sharesOf = (ramp: SlowStart) => SHARES.map((part) => ramp.share(0, UP_AT + part * T))

test('the share grows linearly from a tenth to all of the weight', () => {
  assert.deepEqual(sharesOf(slowStart()), [0.1, 0.1, 0.25, 0.5, 0.75, 0.99, 1, 1])
})

test('aggression bends the ramp: above 1 the share grows faster at first, below 1 later', () => {
  const half = (aggression: number) => slowStart({ aggression }).share(0, UP_AT + T / 2)
  assert.equal(half(2), Math.SQRT1_2)
  assert.equal(half(0.5), 0.25)
  assert.equal(half(0.1), 0.1, 'never less than the minimum')
})

test('a remote without an outage has its full share, also right after the start of the machine', () => {
  assert.deepEqual(
    sharesOf(slowStart({ upAtMs: 0 })),
    SHARES.map(() => 1),
  )
  assert.equal(slowStart({ upAtMs: 0 }).share(0, 1), 1)
})

test('a remote that is down has the minimum, and one that came up a moment later than the clock says', () => {
  assert.equal(slowStart({ isDown: true }).share(0, UP_AT + 10 * T), 0.1)
  assert.equal(slowStart().share(0, UP_AT - 50), 0.1)
})

test('without a duration nothing is ramped', () => {
  assert.equal(slowStart({ durationMs: 0, isDown: true }).share(0, UP_AT), 1)
})

/** A pool of two remotes of weight 10; the sessions of both end after `lifeMs`. */
function world(policy: PolicyName, seed: number) {
  const use = new Int32Array(2)
  const verdict = new Int32Array(2)
  const upAtMs = new Float64Array(2)
  const health = new RemoteHealth(2)
  const pool = new Pool({
    name: 'default',
    members: [0, 1],
    weights: [10, 10],
    use,
    health,
    policy: policyOf(policy, firstSlots(2), localPolicyMemory(2)),
    rebalance: 0,
    slowStart: new SlowStart({ aggression: 1, durationsMs: [T, T], verdict, upAtMs }),
    seed,
  })
  const ends: { readonly atMs: number; readonly slot: number }[] = []
  let clients = 0
  const serve = (nowMs: number, lifeMs: number) => {
    while ((ends[0]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs) {
      const slot = ends.shift()?.slot ?? 0
      use[slot] = (use[slot] ?? 0) - 1
      pool.observe(slot, pool.observes === 'bytes' ? 1_000 : 1, nowMs)
    }
    const slot = pool.pick(slotSet(), nowMs, hashWord(seed, ++clients))
    use[slot] = (use[slot] ?? 0) + 1
    ends.push({ atMs: nowMs + lifeMs, slot })
    return slot
  }
  return { pool, serve, upAtMs, verdict }
}

/** Of the clients from `from` to `to` of the ramp, one in 25 ms. */
function shareServed(serve: (nowMs: number, lifeMs: number) => number, from: number, to: number): number {
  let count = 0
  let own = 0
  for (let nowMs = UP_AT + from * T; nowMs < UP_AT + to * T; nowMs += 25) {
    count++
    if (serve(nowMs, 2_500) === 1) own++
  }
  return own / count
}

for (const policy of POLICY_NAMES.filter((name) => !POLICIES_WITHOUT_SLOW_START.includes(name))) {
  test(`${policy}: a remote that is up again gets a growing share of the clients`, () => {
    const seed = Math.trunc(Math.random() * 2 ** 31)
    const { serve, upAtMs } = world(policy, seed)
    upAtMs[1] = UP_AT
    const quarters = [0, 1, 2, 3, 4].map((i) => shareServed(serve, i / 4, (i + 1) / 4))
    // The mean weight of the quarters against a whole one: w / (1 + w).
    const expected = [0.14, 0.375, 0.625, 0.875, 1].map((weight) => weight / (1 + weight))
    for (const [i, share] of quarters.entries()) {
      const wanted = expected[i] ?? 0
      assert.ok(Math.abs(share - wanted) < 0.06, `quarter ${i}: ${share}, expected ${wanted}; seed ${seed}`)
    }
  })
}

test('under `source` a client moves at most once during the ramp, to the remote that is up again', () => {
  const { pool, upAtMs, verdict } = world('source', 1)
  verdict[1] = 1
  for (let client = 0; client < 500; client++) {
    const key = hashWord(client, 7)
    verdict[1] = 0
    upAtMs[1] = UP_AT
    const slots = [0, 0.2, 0.4, 0.6, 0.8, 1].map((part) => pool.pick(slotSet(), UP_AT + part * T, key))
    const moves = slots.filter((slot, i) => i > 0 && slot !== slots[i - 1])
    assert.ok(moves.length === 0 || (moves.length === 1 && moves[0] === 1), `client ${client}: ${slots}`)
  }
})

test('a weight that changes during the ramp is ramped too, and 0 stays 0', () => {
  const { pool, upAtMs } = world('round-robin', 1)
  upAtMs[1] = UP_AT
  pool.setWeight(1, 40)
  pool.pick(slotSet(), UP_AT + T / 4)
  assert.deepEqual([...pool.weight], [10, 10])
  pool.setWeight(1, 0)
  assert.ok(Array.from({ length: 20 }, () => pool.pick(slotSet(), UP_AT + T / 4)).every((slot) => slot === 0))
})
