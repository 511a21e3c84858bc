/** Runs the policy contract for every policy of the product. */
import { LeastUse } from '../../src/balance/least-use.js'
import { policyContract } from './policy.contract.js'

policyContract('least use', (count) => new LeastUse(count))
