/** Checks a relay whose clients another program accepts: their listeners are unknown here, and their first bytes unread. */
import { portsWithoutListeners } from './check-ports.js'
import type { ConfigProblem } from './problems.js'
import { DEFAULT_POOL } from './table-pool.js'
import type { RouteSettings } from './table-route.js'
import type { TcprelaySettings } from './table-tcprelay.js'

/** Errors if no client could get a pool; warnings for routes that never match. */
export function handedOverProblems(tcprelay: TcprelaySettings): readonly ConfigProblem[] {
  return [
    ...portsWithoutListeners(tcprelay),
    ...missingPool(tcprelay),
    ...tcprelay.routes.flatMap(unreachableRoute),
  ]
}

function missingPool({ pools, position, routes }: TcprelaySettings): readonly ConfigProblem[] {
  if (routes.length > 0 || pools.some(({ name }) => name === DEFAULT_POOL)) return []
  const message = `no client gets a pool: there is neither a 'route' nor a pool '${DEFAULT_POOL}'`
  const hint = 'listeners, which could name one, are unknown here: another program is the master'
  return [{ severity: 'error', position, message, hint }]
}

function unreachableRoute({ conditions, position }: RouteSettings): readonly ConfigProblem[] {
  const never =
    conditions.listeners !== undefined
      ? "listeners are unknown here: use 'realm' or 'port'"
      : conditions.protocols !== undefined
        ? 'the first bytes of clients that are handed over are not looked at'
        : undefined
  if (never === undefined) return []
  const message = 'no client reaches this route: another program is the master'
  return [{ severity: 'warning', position, message, hint: never }]
}
