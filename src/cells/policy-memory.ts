/**
 * What policies remember of each remote: turns and measurements, in memory that all workers share. It outlives the
 * children that use it, and reloads. `layout.ts` says who may write it. Workers write it without a lock: an update that
 * is lost to another worker moves one turn, or one of many measurements.
 */

/** By slot of the remote. */
export const POLICY_COLUMNS = [
  // `round-robin`: how far it is behind its share, in weights; negative: ahead of it.
  'credits',
  // `least-use`: the virtual time of its last turn; 0: none.
  'turns',
  // `least-time`: the average connect time, 0 if it is unknown, and when it was measured, or chosen in order to measure it.
  'connectMs',
  'connectedAtMs',
  'triedAtMs',
  // `least-bandwidth`: bytes per second, the clients of the last seconds, and until when both have decayed.
  'byteRates',
  'recentClients',
  'ratedAtMs',
] as const

export type PolicyMemory = Readonly<Record<(typeof POLICY_COLUMNS)[number], Float64Array>>

export function policyMemory(columnAt: (index: number) => Float64Array): PolicyMemory {
  return Object.fromEntries(POLICY_COLUMNS.map((name, index) => [name, columnAt(index)])) as PolicyMemory
}

/** Memory of one worker only: for tests and the simulation. */
export function localPolicyMemory(remotes: number): PolicyMemory {
  return policyMemory(() => new Float64Array(remotes))
}
