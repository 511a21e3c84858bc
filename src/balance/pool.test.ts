import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { slotSet } from '../../test/contract/policy.contract.js'
import { leastUsePool } from '../../test/support/pools.js'
import { DOWN, EXCLUDED, UP } from '../base/verdict.js'
import { localPolicyMemory } from '../cells/policy-memory.js'
import { LeastUse } from './least-use.js'
import { FULL, NONE, type Policy, type PoolView } from './policy.js'
import { Pool } from './pool.js'
import { RemoteHealth } from './remote-health.js'

function poolOf(count: number, rebalance = 0, useMax?: readonly number[]) {
  const backOffUntilMs = new Float64Array(count)
  const weights = new Array<number>(count).fill(1)
  const use = new Int32Array(count)
  const shared = { backOffUntilMs, verdict: new Int32Array(count), upAtMs: new Float64Array(count) }
  const limits = useMax === undefined ? {} : { useMax }
  return { ...leastUsePool({ weights, use, shared, rebalance, ...limits }), ...shared, use }
}

/** The remote that a client gets at `nowMs` on its first try. */
const pickAt = (pool: Pool, nowMs: number, tried: readonly number[] = []) => pool.pick(slotSet(tried), nowMs)

test('a failed remote gets no clients, its sibling gets all', () => {
  const { health, pool } = poolOf(2)
  assert.equal(health.failed(0, 0, 10), 'went-down')
  for (let at = 10; at < 1_010; at += 10) assert.equal(pickAt(pool, at), 1)
  assert.equal(health.isFailing(0), true)
})

test('`pickUsable` has no last resort', () => {
  const { health, pool, use } = poolOf(2, 0, [5, 1])
  const usableAt = (nowMs: number, tried: readonly number[] = []) => pool.pickUsable(slotSet(tried), nowMs)
  health.failed(0, 0, 10)
  assert.equal(usableAt(20), 1)
  use[1] = 1
  assert.equal(usableAt(20), NONE, 'one is failing, the other one full')
  assert.equal(usableAt(2_000), 0, 'its back-off is over')
  assert.equal(usableAt(2_000), NONE, 'it is being probed')
  assert.equal(pickAt(pool, 2_000), FULL)
})

test('the back-off grows from 1 s to 30 s, and a success ends it', () => {
  const { health, backOffUntilMs } = poolOf(2)
  let now = 0
  const pauses: number[] = []
  for (let i = 0; i < 8; i++) {
    health.failed(0, now + 1, now + 2)
    pauses.push((backOffUntilMs[0] ?? 0) - (now + 2))
    now = backOffUntilMs[0] ?? 0
  }
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  assert.equal(health.succeeded(0), 'came-up')
  assert.deepEqual([backOffUntilMs[0], health.isFailing(0), health.succeeded(0)], [0, false, undefined])
  health.failed(0, now + 10, now + 10)
  assert.equal(backOffUntilMs[0], now + 10 + 1_000, 'and it begins again with the first pause')
})

test('after the back-off one client retries and the others wait for the outcome', () => {
  const { health, pool } = poolOf(2)
  health.failed(0, 0, 0)
  const chosen = [0, 1, 2, 3, 4, 5].map(() => pickAt(pool, 1_000))
  assert.equal(chosen.filter((slot) => slot === 0).length, 1, `${chosen}`)
  assert.equal(health.failed(0, 1_000, 1_005), undefined, 'it was down before')
  for (let at = 1_005; at < 3_005; at += 50) assert.equal(pickAt(pool, at), 1)
  assert.ok([0, 1].map(() => pickAt(pool, 3_005)).includes(0))
  assert.equal(health.succeeded(0), 'came-up')
  const shared = Array.from({ length: 40 }, () => pickAt(pool, 3_006)).filter((slot) => slot === 0).length
  assert.ok(shared >= 19 && shared <= 21, `${shared} of 40`)
})

test('a client that disconnects during its retry costs one back-off', () => {
  const { health, pool } = poolOf(2)
  health.failed(0, 0, 0)
  const first = [0, 1].map(() => pickAt(pool, 1_000))
  assert.ok(first.includes(0))
  assert.deepEqual(
    [0, 1].map(() => pickAt(pool, 1_999)),
    [1, 1],
  )
  assert.ok([0, 1].map(() => pickAt(pool, 2_000)).includes(0))
})

test('concurrent attempts count as one failure', () => {
  const { health, backOffUntilMs } = poolOf(2)
  const flips = [0, 1, 2, 3].map((startedMs) => health.failed(0, startedMs, 100 + startedMs))
  assert.deepEqual(flips, ['went-down', undefined, undefined, undefined])
  assert.equal(backOffUntilMs[0], 100 + 1_000)
})

test('simultaneous failures count once', () => {
  const { health, backOffUntilMs } = poolOf(1)
  for (let i = 0; i < 100; i++) health.failed(0, 50, 50)
  assert.equal(backOffUntilMs[0], 50 + 1_000)
})

test('when all are down each is tried at once, once per client', () => {
  const { health, pool } = poolOf(3)
  for (const [slot, at] of [
    [0, 30],
    [1, 10],
    [2, 20],
  ] as const) {
    health.failed(slot, at, at)
  }
  assert.deepEqual([pickAt(pool, 40), pickAt(pool, 40, [1]), pickAt(pool, 40, [1, 2])], [1, 2, 0])
  assert.equal(pickAt(pool, 40, [0, 1, 2]), NONE)
  assert.notEqual(pickAt(pool, 41), NONE, 'also for the next client')
})

test('usable remotes come before failing ones', () => {
  const { health, pool } = poolOf(2)
  health.failed(0, 1, 1)
  assert.equal(pickAt(pool, 2, []), 1)
  assert.equal(pickAt(pool, 2, [1]), 0, 'but for who has tried that, the dead one is left')
})

test('`rebalance` ends all back-offs after that many clients', () => {
  const { health, pool, backOffUntilMs } = poolOf(3, 10)
  health.failed(0, 1, 1)
  health.failed(2, 1, 1)
  for (let i = 0; i < 10; i++) pool.countClient()
  assert.equal(backOffUntilMs[0], 1_001, 'not yet')
  pool.countClient()
  assert.deepEqual([...backOffUntilMs], [0, 0, 0])
  health.failed(0, 5, 5)
  for (let i = 0; i < 9; i++) pool.countClient()
  assert.ok((backOffUntilMs[0] ?? 0) > 5)
  pool.countClient()
  assert.equal(backOffUntilMs[0], 0, 'and again after as many more')
})

test('without `rebalance` back-offs last', () => {
  const { health, pool, backOffUntilMs } = poolOf(1)
  health.failed(0, 1, 1)
  for (let i = 0; i < 10_000; i++) pool.countClient()
  assert.equal(backOffUntilMs[0], 1_001)
})

test('a remote without an address is not tried until it has one', () => {
  const { health, pool } = poolOf(2, 1)
  health.setReachable(1, false)
  assert.equal(health.isFailing(1), false, 'it is not down, it is not there')
  for (let i = 0; i < 5; i++) pool.countClient()
  assert.deepEqual([pickAt(pool, 1e12), pickAt(pool, 1e12, [0])], [0, NONE])
  health.setReachable(1, true)
  assert.equal(pickAt(pool, 0, [0]), 1)
})

test('the outcome of an attempt is ignored once its remote has lost its address', () => {
  const { health, pool } = poolOf(2)
  health.setReachable(0, false)
  assert.equal(health.failed(0, 5, 10), undefined)
  assert.equal(pickAt(pool, 1e9, [1]), NONE)
  assert.equal(health.succeeded(0), undefined)
  assert.equal(pickAt(pool, 1e9, [1]), NONE)
})

test('a client tries each remote of a pool exactly once', () => {
  const step = fc.record({
    slot: fc.nat({ max: 4 }),
    isFailure: fc.boolean(),
    afterMs: fc.nat({ max: 40_000 }),
  })
  fc.assert(
    fc.property(
      fc.array(step),
      fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      (steps, reachable) => {
        const { health, pool } = poolOf(5)
        for (const [slot, isReachable] of reachable.entries()) health.setReachable(slot, isReachable)
        let now = 0
        for (const { slot, isFailure, afterMs } of steps) {
          now += afterMs
          if (isFailure) health.failed(slot, now, now)
          else health.succeeded(slot)
          const tried: number[] = []
          for (let next = pickAt(pool, now); next !== NONE; next = pickAt(pool, now, tried)) tried.push(next)
          const there = reachable.flatMap((isReachable, slot) => (isReachable ? [slot] : []))
          assert.deepEqual([...tried].sort(), there)
        }
      },
    ),
  )
})

test('FULL when all usable remotes have their maximum of sessions', () => {
  const { health, pool, use } = poolOf(2, 0, [2, 1])
  assert.deepEqual([take(), take(), take()].sort(), [0, 0, 1])
  assert.equal(pickAt(pool, 0), FULL)
  assert.equal(pickAt(pool, 0, [0, 1]), NONE, 'a client that has tried them all has none to wait for')
  use[1] = 0
  assert.equal(pickAt(pool, 0), 1)
  health.failed(1, 1, 1)
  assert.equal(pickAt(pool, 2), FULL, 'a full remote is better than one that has failed')
  health.failed(0, 1, 1)
  assert.equal(pickAt(pool, 2), 1, 'a full remote that has failed is not waited for')

  function take(): number {
    const slot = pickAt(pool, 0)
    use[slot] = (use[slot] as number) + 1
    return slot
  }
})

test('FULL when the pool as a whole has its maximum of sessions', () => {
  const use = new Int32Array([0, 0, 2])
  const health = new RemoteHealth(2)
  const policy = new LeastUse(localPolicyMemory(2))
  const options = { name: 'web', members: [0, 1], weights: [1, 1], use, health, policy, rebalance: 0 }
  const pool = new Pool({ ...options, useMax: [9, 9, 3], place: 2 })
  assert.ok(pickAt(pool, 0) >= 0)
  use[2] = 3
  assert.equal(pickAt(pool, 0), FULL)
  assert.equal(pickAt(pool, 0, [0, 1]), NONE)
  for (const slot of [0, 1]) health.failed(slot, 1, 1)
  assert.equal(pickAt(pool, 2), NONE, 'no remote that has failed is tried either')
  use[2] = 2
  assert.ok(pickAt(pool, 2) >= 0)
})

test('verdict, admin state and back-off each make a remote unusable', () => {
  const { health, pool, verdict } = poolOf(2)
  verdict[0] = EXCLUDED
  for (let i = 0; i < 4; i++) assert.equal(pickAt(pool, 0), 1)
  assert.equal(pickAt(pool, 0, [1]), NONE, 'also when nothing else is left')
  verdict[0] = DOWN
  assert.equal(pickAt(pool, 0, [1]), 0, 'sessions failed: tried when nothing else is left')
  health.setAdminState(0, 'maint')
  assert.equal(pickAt(pool, 0, [1]), NONE, 'one in maintenance is not')
  health.setAdminState(0, 'ready')
  verdict[0] = UP
  assert.ok([pickAt(pool, 0), pickAt(pool, 0)].includes(0))
})

test('a failure from before the end of an outage is no reason to back off', () => {
  const { health, pool, upAtMs } = poolOf(2)
  health.failed(0, 10, 11)
  assert.equal(pickAt(pool, 20), 1)
  assert.equal(pickAt(pool, 20), 1)
  // Another worker, or a health check, has seen it serve.
  upAtMs[0] = 15
  assert.ok([pickAt(pool, 20), pickAt(pool, 20)].includes(0))
  health.failed(0, 21, 22)
  assert.equal(pickAt(pool, 23), 1)
  assert.equal(pickAt(pool, 23), 1)
})

test('health is taken over by the pool of a new configuration', () => {
  const before = poolOf(3)
  before.health.failed(0, 1, 2)
  before.health.failed(0, 1_500, 1_600)
  before.health.setReachable(1, false)
  const after = poolOf(3)
  after.health.continueFrom(before.health, [1, 0, NONE])
  const { health, backOffUntilMs } = after
  assert.deepEqual([health.isFailing(0), health.isFailing(1), health.isFailing(2)], [false, true, false])
  assert.deepEqual([...backOffUntilMs], [0, 1_600 + 2_000, 0])
  assert.equal(health.failed(1, 1_590, 1_610), undefined, 'an attempt of before is no further evidence')
  assert.equal(backOffUntilMs[1], 3_600)
  assert.equal(health.succeeded(1), 'came-up')
})

test('a remote of weight 0 gets no clients, not even as the last one left', () => {
  const { health, pool, use } = poolOf(2, 0, [1, 1])
  pool.setWeight(1, 0)
  for (let i = 0; i < 5; i++) assert.equal(pickAt(pool, 0), 0)
  assert.equal(pickAt(pool, 0, [0]), NONE)
  use[0] = 1
  assert.equal(pickAt(pool, 0), FULL)
  health.failed(0, 0, 0)
  use[0] = 0
  assert.equal(pickAt(pool, 1), 0, 'a failing remote is tried instead')
  pool.setWeight(1, 1)
  assert.equal(pickAt(pool, 2), 1)
})

test('hands the key of the client, the time and randomness to its policy, and measurements', () => {
  const seen: unknown[] = []
  const policy: Policy = {
    observes: 'bytes',
    pick({ key, nowMs, ...view }: PoolView) {
      seen.push(key, nowMs)
      return view.members[0] as number
    },
    observe: (...measurement) => seen.push(measurement),
  }
  const { health } = poolOf(1)
  const pool = new Pool({
    name: 'default',
    members: [0],
    weights: [1],
    use: [0],
    health,
    policy,
    rebalance: 0,
  })
  assert.equal(pool.pick(slotSet(), 17, -1), 0)
  pickAt(pool, 18)
  assert.ok(pool.random() >= 0 && pool.random() < 1)
  assert.equal(pool.observes, 'bytes')
  pool.observe(0, 1_000, 19)
  assert.deepEqual(seen, [0xffff_ffff, 17, 0, 18, [0, 1_000, 19]])
})

test('a client keeps its remote whatever the weight says, but not one that is down, full or in maintenance', () => {
  const { health, pool, use, verdict } = poolOf(2, 0, [2, 2])
  pool.setWeight(0, 0)
  health.setAdminState(0, 'drain')
  assert.equal(pool.keeps(0, 0), true)
  health.setAdminState(0, 'drain', 1_000)
  assert.deepEqual([pool.keeps(0, 999), pool.keeps(0, 1_000)], [true, false], 'until its deadline')
  use[0] = 2
  assert.equal(pool.keeps(0, 0), false, 'full')
  use[0] = 1
  health.setAdminState(0, 'maint')
  assert.equal(pool.keeps(0, 0), false, 'in maintenance')
  health.setAdminState(0, 'ready')
  verdict[0] = EXCLUDED
  assert.equal(pool.keeps(0, 0), false, 'down')
  verdict[0] = UP
  health.setReachable(0, false)
  assert.equal(pool.keeps(0, 0), false, 'without an address')
})

test('a client that keeps a failing remote retries it alone', () => {
  const { health, pool } = poolOf(2)
  health.failed(0, 0, 0)
  assert.deepEqual([pool.keeps(0, 500), pool.keeps(0, 1_000), pool.keeps(0, 1_001)], [false, true, false])
  health.succeeded(0)
  assert.deepEqual([pool.keeps(0, 1_002), pool.keeps(0, 1_003)], [true, true])
})

test('remotes that come and go change the members of the pool, with weights and tiers', () => {
  const weights = [1, 0, 0, 0]
  const tiers = [0, 0, 0, 0]
  const health = new RemoteHealth(4)
  const use = new Int32Array(4)
  const policy = new LeastUse(localPolicyMemory(4))
  const pool = new Pool({ name: 'web', members: [0], weights, tiers, use, health, policy, rebalance: 0 })
  const picks = (count: number) => Array.from({ length: count }, () => pickAt(pool, 1)).sort()
  pool.setWeight(2, 3)
  pool.replaceMembers([0, 2])
  assert.deepEqual(picks(4), [0, 2, 2, 2])
  tiers[0] = 1
  pool.replaceMembers([0, 2])
  assert.deepEqual(picks(3), [2, 2, 2])
  pool.replaceMembers([])
  assert.equal(pickAt(pool, 1), NONE)
  pool.replaceMembers([0])
  assert.deepEqual(picks(2), [0, 0])
})
