import { LeastUse } from '../../src/balance/policy.js'
import { policyContract } from './policy.contract.js'

policyContract('least use', (count) => new LeastUse(count))
