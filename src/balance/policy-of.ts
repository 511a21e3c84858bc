/** Policies by the names that configurations use. */
import type { PolicyName } from '../base/policy-names.js'
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
import { SourceHash } from './source-hash.js'

/** `slots`: the number of slots of all pools together. `options` are ignored by policies that do not hash. */
export function policyOf(name: PolicyName, slots: number, options: HashingOptions = {}): Policy {
  switch (name) {
    case 'least-use':
      return new LeastUse(slots)
    case 'round-robin':
      return new RoundRobin(slots)
    case 'least-connections':
      return new LeastConnections()
    case 'random':
      return new RandomOfTwo()
    case 'first':
      return new First()
    case 'source':
      return new SourceHash(slots, options)
    case 'maglev':
      return new Maglev(slots, options)
    case 'least-time':
      return new LeastTime(slots)
    case 'least-bandwidth':
      return new LeastBandwidth(slots)
  }
}
