import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slotSet } from '../../test/contract/policy.contract.js'
import { Chance } from '../../test/simulation/chance.js'
import { POLICY_NAMES, type PolicyName } from '../base/policy-names.js'
import { EXCLUDED, UP } from '../base/verdict.js'
import { localPolicyMemory } from '../cells/policy-memory.js'
import { Census } from './census.js'
import { FULL, NONE } from './policy.js'
import { policyOf } from './policy-of.js'
import { Pool } from './pool.js'
import { RandomSource } from './random-source.js'
import { RemoteHealth } from './remote-health.js'
import { SKIP_REASONS, type SkipReason } from './skip-reason.js'
import { firstSlots } from './slot-range.js'

const REMOTES = 6

const below = (chance: Chance, count: number) => chance.between(0, count - 1)

interface Made {
  readonly pool: Pool
  readonly health: RemoteHealth
  readonly use: Int32Array
  readonly verdict: Int32Array
}

function make(name: PolicyName, seed: number): Made {
  const chance = new Chance(seed)
  const some = (max: number) => Array.from({ length: REMOTES }, () => below(chance, max))
  const use = new Int32Array(REMOTES)
  const verdict = new Int32Array(REMOTES)
  const health = new RemoteHealth(REMOTES, { verdict })
  const pool = new Pool({
    name: 'web',
    members: [...use.keys()],
    weights: some(4),
    use,
    useMax: some(6),
    health,
    policy: policyOf(
      name,
      firstSlots(REMOTES),
      localPolicyMemory(REMOTES),
      below(chance, 2) === 0 ? {} : { boundedLoad: 1.25 },
    ),
    rebalance: 0,
    tiers: some(3),
    tierMinUsable: 1 + below(chance, 2),
    seed,
  })
  return { pool, health, use, verdict }
}

/** Changes what a pool knows, the same for the same chance. */
function disturb({ health, pool, use, verdict }: Made, chance: Chance, nowMs: number): void {
  const slot = below(chance, REMOTES)
  const changes = [
    () => pool.setWeight(slot, below(chance, 4)),
    () => health.failed(slot, nowMs, nowMs),
    () => health.succeeded(slot),
    () => verdict.set([below(chance, 2) === 0 ? UP : EXCLUDED], slot),
    () => health.setAdminState(slot, below(chance, 3) === 0 ? 'drain' : 'ready'),
    () => health.setReachable(slot, below(chance, 4) > 0),
    () => pool.observe(slot, below(chance, 1_000), nowMs),
    () => {
      use[slot] = below(chance, 5)
    },
  ]
  changes[below(chance, changes.length)]?.()
}

for (const name of POLICY_NAMES) {
  test(`${name}: explain says what pick chooses, and changes nothing`, (t) => {
    const runs = name === 'maglev' ? 3 : 50
    const seed = Math.floor(Math.random() * 2 ** 31)
    t.diagnostic(`seed ${seed}`)
    for (let run = 0; run < runs; run++) {
      const [explained, plain] = [make(name, seed + run), make(name, seed + run)]
      const changes = [new Chance(seed + run), new Chance(seed + run)] as const
      const chance = new Chance(seed - run)
      let nowMs = 1_000
      for (let step = 0; step < 30; step++) {
        disturb(explained, changes[0], nowMs)
        disturb(plain, changes[1], nowMs)
        nowMs += below(chance, 2_000)
        const tried = slotSet(below(chance, 2) === 0 ? [] : [below(chance, REMOTES)])
        const key = below(chance, 2 ** 31)
        const first = explained.pool.explain(tried, nowMs, key)
        assert.deepEqual(explained.pool.explain(tried, nowMs, key), first)
        const census = new Census()
        explained.pool.census = census
        const chosen = explained.pool.pick(tried, nowMs, key)
        const label = `seed ${seed + run}, step ${step}`
        assert.equal(first.slot, chosen, label)
        assert.equal(plain.pool.pick(tried, nowMs, key), chosen, `${label}: without explain`)
        const candidates = first.remotes.filter(({ skipped }) => skipped === undefined)
        assert.equal(candidates.length, census.candidates, label)
        for (const [index, reason] of SKIP_REASONS.entries()) {
          const count = first.remotes.filter(({ skipped }) => skipped === reason).length
          assert.equal(count, census.skipped[index], `${label}: ${reason}`)
        }
        const isChosen = candidates.some(({ slot }) => slot === chosen)
        assert.equal(isChosen, chosen >= 0 && !first.isLastResort, label)
        if (chosen === NONE || chosen === FULL) assert.deepEqual(candidates, [], label)
      }
    }
  })
}

test('names the reason why each remote is skipped', () => {
  const use = new Int32Array(9)
  const verdict = new Int32Array(9)
  const health = new RemoteHealth(9, { verdict })
  use[8] = 5
  const pool = new Pool({
    name: 'web',
    members: [...use.keys()],
    weights: [1, 0, 1, 1, 1, 1, 1, 1, 1],
    use,
    useMax: use.map(() => 5),
    health,
    policy: policyOf('first', firstSlots(9), localPolicyMemory(9)),
    rebalance: 0,
    tiers: [0, 0, 0, 0, 0, 0, 0, 1, 0],
  })
  health.setReachable(2, false)
  health.setAdminState(3, 'drain')
  health.setAdminState(4, 'maint')
  verdict[5] = EXCLUDED
  health.failed(6, 1, 1)
  const { remotes } = pool.explain(slotSet([0]), 2)
  assert.deepEqual(
    remotes.map(({ skipped }) => skipped),
    [
      'tried',
      'weight-0',
      'no-address',
      'drain',
      'maint',
      'down',
      'backing-off',
      'reserve',
      'full',
    ] satisfies SkipReason[],
  )
})

test('says by what the policy decided', () => {
  const drawOf = (name: PolicyName) => {
    const health = new RemoteHealth(3)
    const options = {
      name: 'web',
      members: [0, 1, 2],
      weights: [1, 1, 1],
      use: [0, 0, 0],
      health,
      rebalance: 0,
    }
    const pool = new Pool({
      ...options,
      policy: policyOf(name, firstSlots(3), localPolicyMemory(3)),
      seed: 7,
    })
    return pool.explain(slotSet(), 0, 42).draw
  }
  for (const name of ['first', 'least-use', 'round-robin'] as const)
    assert.deepEqual(drawOf(name), { kind: 'none' }, name)
  for (const name of ['source', 'maglev'] as const)
    assert.deepEqual(drawOf(name), { kind: 'hash', key: 42 }, name)
  const draw = drawOf('random')
  assert.ok(draw.kind === 'random' && draw.numbers.length === 3)
  const source = new RandomSource(draw.seed)
  assert.deepEqual(draw.numbers, [source.next(), source.next(), source.next()])
})

test('a large pool is counted only if that is asked for', () => {
  const weights = Array.from({ length: 33 }, () => 1)
  const health = new RemoteHealth(33)
  const options = { name: 'web', members: [...weights.keys()], weights, use: weights, health, rebalance: 0 }
  const pool = new Pool({ ...options, policy: policyOf('first', firstSlots(33), localPolicyMemory(33)) })
  for (const countsAll of [false, true]) {
    pool.census = new Census({ countsAll })
    pool.pick(slotSet(), 0)
    assert.equal(pool.census.candidates, countsAll ? 33 : -1)
  }
})
