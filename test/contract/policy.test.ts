/** Runs the policy contract for every policy of the product, and that of hashing for those that hash. */
import type { Policy } from '../../src/balance/policy.js'
import { policyOf } from '../../src/balance/policy-of.js'
import { firstSlots } from '../../src/balance/slot-range.js'
import { POLICY_NAMES } from '../../src/base/policy-names.js'
import { localPolicyMemory } from '../../src/cells/policy-memory.js'
import { hashingContract } from './hashing.contract.js'
import { policyContract, type Traits } from './policy.contract.js'

/** A table of its own costs each of them milliseconds. */
const MAGLEV: Traits = { numRuns: 20 }

const TRAITS: Readonly<Record<string, Traits>> = {
  // The order of the configuration decides, not the weight.
  first: { hasEqualShares: false },
  maglev: MAGLEV,
}

for (const name of POLICY_NAMES) {
  policyContract(
    name,
    (slots, memory = localPolicyMemory(slots)): Policy => policyOf(name, firstSlots(slots), memory),
    TRAITS[name],
  )
}

for (const name of ['source', 'maglev'] as const) {
  policyContract(
    `${name} with bounded load`,
    (slots) => policyOf(name, firstSlots(slots), localPolicyMemory(slots), { boundedLoad: 1 }),
    TRAITS[name],
  )
  hashingContract(name, (slots, options) =>
    policyOf(name, firstSlots(slots), localPolicyMemory(slots), options),
  )
}
