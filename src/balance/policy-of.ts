/** Policies by the names that configurations use. */
import type { PolicyName } from '../base/policy-names.js'
import type { PolicyMemory } from '../cells/policy-memory.js'
import { First } from './first.js'
import type { HashingOptions } from './hashing-options.js'
import { LeastBandwidth } from './least-bandwidth.js'
import { LeastConnections } from './least-connections.js'
import { LeastTime } from './least-time.js'
import { LeastUse } from './least-use.js'
import { Maglev } from './maglev.js'
import type { Policy } from './policy.js'
import { RandomOfTwo } from './random-of-two.js'
import { RoundRobin } from './round-robin.js'
import type { SlotRange } from './slot-range.js'
import { SourceHash } from './source-hash.js'

/**
 * `range`: of the slots of its pool. `memory`: what workers have learned of its remotes; ignored by policies without
 * state. `options` are ignored by policies that do not hash.
 */
export function policyOf(
  name: PolicyName,
  range: SlotRange,
  memory: PolicyMemory,
  options: HashingOptions = {},
): Policy {
  switch (name) {
    case 'least-use':
      return new LeastUse(memory)
    case 'round-robin':
      return new RoundRobin(memory)
    case 'least-connections':
      return new LeastConnections()
    case 'random':
      return new RandomOfTwo()
    case 'first':
      return new First()
    case 'source':
      return new SourceHash(range, options)
    case 'maglev':
      return new Maglev(range, options)
    case 'least-time':
      return new LeastTime(memory)
    case 'least-bandwidth':
      return new LeastBandwidth(memory)
  }
}
