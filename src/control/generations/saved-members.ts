/** Reads at the start what discovery had found before, from the state file that `saved-health.ts` writes. */

import { membersOfFile } from '../../discovery/members-of-file.js'
import type { FoundMember } from '../../discovery/source.js'
import type { Loaded } from '../../plan/load/load.js'
import { StateFile } from '../../services/state-file.js'

/** By pool. Empty without a state file; one that cannot be read is reported with the states of remotes. */
export function savedMembers(
  stateFile: string | undefined,
  { tcprelay }: Pick<Loaded, 'tcprelay'>,
): ReadonlyMap<string, readonly FoundMember[]> {
  if (stateFile === undefined || tcprelay.pools.every(({ discover }) => discover === undefined))
    return new Map()
  try {
    return membersOfFile(new StateFile(stateFile).read() ?? '')
  } catch {
    return new Map()
  }
}
