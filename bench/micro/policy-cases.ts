/** Choosing a remote by each policy, with its measurements. */
import { hashWord } from '../../src/balance/hash.js'
import { BUILD_STEPS, MaglevTable } from '../../src/balance/maglev-table.js'
import type { Policy } from '../../src/balance/policy.js'
import { policyOf } from '../../src/balance/policy-of.js'
import { Pool } from '../../src/balance/pool.js'
import { RemoteHealth } from '../../src/balance/remote-health.js'
import { firstSlots } from '../../src/balance/slot-range.js'
import { SlotSet } from '../../src/balance/slot-set.js'
import { POLICY_NAMES } from '../../src/base/policy-names.js'
import { localPolicyMemory } from '../../src/cells/policy-memory.js'
import type { MicroCase } from './micro-case.js'

const REMOTES = [1, 10, 100, 1_000]

const weightsOf = (size: number) => Array.from({ length: size }, (_, i) => 1 + (i % 3))

/** Clients of different addresses, one a millisecond, through a pool whose sessions and measurements vary. */
function picksThrough(policy: Policy, size: number): (times: number) => void {
  const use = new Int32Array(size)
  const pool = new Pool({
    name: 'default',
    members: [...use.keys()],
    weights: weightsOf(size),
    use,
    health: new RemoteHealth(size),
    policy,
    rebalance: 0,
  })
  const tried = new SlotSet()
  let nowMs = 0
  return (times) => {
    for (let i = 0; i < times; i++) {
      tried.clear()
      const slot = pool.pick(tried, ++nowMs, hashWord(nowMs, 0))
      use[slot] = ((use[slot] as number) + 1) % 1_000
      if (pool.observes !== undefined) pool.observe(slot, 1 + (nowMs & 7), nowMs)
    }
  }
}

function caseOf(name: string, create: (slots: number) => Policy): MicroCase {
  return {
    name: `policy: ${name}, remotes`,
    sizes: REMOTES,
    isFlat: false,
    prepare: (size) => picksThrough(create(size), size),
  }
}

const table: MicroCase = {
  name: 'policy: build of a maglev table, remotes',
  sizes: [10, 1_000],
  isFlat: false,
  prepare(size) {
    const weights = weightsOf(size)
    const seeds = weights.map((_, slot) => hashWord(slot, 0))
    return (times) => {
      for (let i = 0; i < times; i++) {
        const table = new MaglevTable([...weights.keys()], weights, seeds)
        table.build(BUILD_STEPS)
        if (!table.isBuilt) throw new Error('an unfinished table')
      }
    }
  },
}

/** Each pick, with the measurements that the policy observes. */
export const PICK_CASES: readonly MicroCase[] = [
  ...POLICY_NAMES.map((name) =>
    caseOf(name, (slots) => policyOf(name, firstSlots(slots), localPolicyMemory(slots))),
  ),
  ...(['source', 'maglev'] as const).map((name) =>
    caseOf(`${name} with bounded load`, (slots) =>
      policyOf(name, firstSlots(slots), localPolicyMemory(slots), { boundedLoad: 1.25 }),
    ),
  ),
]

export const POLICY_CASES: readonly MicroCase[] = [...PICK_CASES, table]
