/** Members as a source reports them. */
import type { FoundMember } from '../../src/discovery/source.js'

export function foundMember(name: string, others: Partial<FoundMember> = {}): FoundMember {
  return { name, hosts: ['10.0.0.1'], port: 80, weight: undefined, tier: undefined, ...others }
}
