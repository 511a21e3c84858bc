/** The members that a state file has kept over a restart. */
import type { FoundMember } from './source.js'

/** That of `health/saved-state.ts`, which writes the file and reports one that cannot be used. */
const STATE_VERSION = 1

/** By pool. Entries that this version does not understand are left out: the first answer of the source replaces them. */
export function membersOfFile(text: string): ReadonlyMap<string, readonly FoundMember[]> {
  const { pools, version } = parsed(text)
  if (version !== STATE_VERSION || !isObject(pools)) return new Map()
  return new Map(
    Object.entries(pools).map(([name, members]) => [
      name,
      Array.isArray(members) ? members.flatMap(memberFrom) : [],
    ]),
  )
}

function memberFrom(saved: unknown): readonly FoundMember[] {
  if (!isObject(saved)) return []
  const { hosts, name, port, tier, weight } = saved
  if (typeof name !== 'string' || !isWhole(port) || port < 1 || port > 65_535) return []
  if (!Array.isArray(hosts) || !hosts.every((host): host is string => typeof host === 'string')) return []
  return [
    {
      name,
      hosts,
      port,
      weight: isWhole(weight) ? weight : undefined,
      tier: isWhole(tier) ? tier : undefined,
    },
  ]
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : {}
  } catch {
    // The file is reported where the states of remotes are read from it.
    return {}
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
