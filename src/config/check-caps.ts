/** Checks limits of sessions (`max connections`). */
import { hasOtherChildren } from './check-datagrams.js'
import type { Problems } from './problems.js'
import type { SpawndSettings } from './table-spawnd.js'

/** Children of another program do not report whose clients have ended, so a listener's sessions cannot be counted. */
export function checkCapsOfListeners(spawnd: SpawndSettings, problems: Problems): void {
  if (!hasOtherChildren(spawnd)) return
  for (const { maxConnections, portIndex, position } of spawnd.listeners) {
    if (maxConnections === 0 || portIndex > 0) continue
    const hint = "'users max' in the 'spawn' block limits the connections of each child"
    problems.error(position, "'max connections' of a listener requires children of this program", { hint })
  }
}
