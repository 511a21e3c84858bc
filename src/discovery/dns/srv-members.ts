/** The members that SRV records stand for (RFC 2782). */
import type { FoundMember } from '../source.js'
import type { SrvRecord } from './message.js'

/** The target by which a domain says that it does not have the service. */
export const NO_TARGET = '.'

/** The member of a target without known addresses is left out. */
export function srvMembers(
  records: readonly SrvRecord[],
  hostsOf: (target: string) => readonly string[],
): readonly FoundMember[] {
  // Tiers are those of all records, so that a target without addresses does not move the others.
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b)
  const members = new Map<string, FoundMember>()
  priorities.forEach((priority, tier) => {
    const group = records.filter((record) => record.priority === priority)
    for (const { port, target, weight } of group) {
      const name = `${target}:${port}`
      const hosts = hostsOf(target)
      // A target may be there with several priorities: the best one counts.
      if (hosts.length === 0 || members.has(name)) continue
      members.set(name, { name, hosts, port, weight: shareOf(weight), tier })
    }
  })
  return [...members.values()]
}

/** The addresses of the targets of these members. */
export function hostsOfTargets(members: readonly FoundMember[]): ReadonlyMap<string, readonly string[]> {
  return new Map(members.map(({ hosts, name, port }) => [name.slice(0, -`:${port}`.length), hosts]))
}

/** Weight 0 is a small share beside others, and an equal one among zeros: no clients at all is not what it means. */
function shareOf(weight: number): number {
  return Math.max(weight, 1)
}
