/** Which pools may serve the clients of a listener, as far as its own directives determine it. */
import { boundPort, isUnixTarget } from './endpoint.js'
import { DEFAULT_POOL } from './table-pool.js'
import type { RouteSettings } from './table-route.js'
import type { ListenerSettings } from './table-spawnd.js'

/**
 * `listeners`: all ports of one block. A route with mistakes is left out, because its conditions or its
 * target may be missing.
 */
export function poolsOfListener(
  listeners: readonly ListenerSettings[],
  routes: readonly RouteSettings[],
): ReadonlySet<string> {
  const own = listeners[0]?.pool?.value
  const pools = new Set<string>()
  // Its own pool overrides all routes.
  if (own !== undefined) return pools.add(own)
  for (const { conditions, hasMistakes, target } of routes) {
    if (hasMistakes || !listeners.some((listener) => mayMatch(conditions, listener))) continue
    for (const pool of [target.pool, ...(target.split ?? []).map((share) => share.pool)])
      if (pool !== undefined) pools.add(pool.value)
    const { listeners: _, ...others } = conditions
    // It takes all clients of its listeners: later routes and the default pool are not reached.
    if (Object.values(others).every((values) => values === undefined)) return pools
  }
  return pools.add(DEFAULT_POOL)
}

/** Whether clients of the listener may reach the route. Clients of Unix sockets have neither a port nor an address. */
export function mayMatch(
  { listeners, ports, realms, sources }: RouteSettings['conditions'],
  { bind, name, realm }: ListenerSettings,
): boolean {
  if (listeners !== undefined && !listeners.some(({ value }) => value === name)) return false
  if (realms !== undefined && !realms.includes(realm)) return false
  if (isUnixTarget(bind)) return ports === undefined && sources === undefined
  const port = boundPort(bind)
  return port === 0 || ports === undefined || ports.some(({ first, last }) => first <= port && port <= last)
}
