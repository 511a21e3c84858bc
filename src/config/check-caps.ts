/** Checks limits of sessions (`max connections`), and queues of clients that wait because of them. */
import { hasOtherChildren } from './check-datagrams.js'
import type { Problems } from './problems.js'
import type { SpawndSettings } from './table-spawnd.js'
import type { TcprelaySettings } from './table-tcprelay.js'

/** Children of another program do not report whose clients have ended, so a listener's sessions cannot be counted. */
export function checkCapsOfListeners(spawnd: SpawndSettings, problems: Problems): void {
  if (!hasOtherChildren(spawnd)) return
  for (const { maxConnections, portIndex, position } of spawnd.listeners) {
    if (maxConnections === 0 || portIndex > 0) continue
    const hint = "'users max' in the 'spawn' block limits the connections of each child"
    problems.error(position, "'max connections' of a listener requires children of this program", { hint })
  }
}

/** Warns about queues in which no client can ever wait. */
export function checkQueues({ pools, queue: ofSection }: TcprelaySettings, problems: Problems): void {
  for (const { hasMistakes, maxConnections, queue, remotes } of pools) {
    const isOfAll = queue?.position === ofSection?.position && pools.length > 1
    const isLimited = maxConnections > 0 || remotes.some((remote) => remote.maxConnections > 0)
    if (queue === undefined || hasMistakes || isLimited || isOfAll) continue
    const hint = "add 'max connections' to its remotes or to the pool"
    problems.warn(
      queue.position,
      'no client ever waits in this queue: nothing limits the sessions of its pool',
      { hint },
    )
  }
}
