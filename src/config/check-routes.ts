/** Checks routes: that their pools and listeners are there, and that clients can reach them. */
import type { Position } from '../base/problem.js'
import { shown } from './expectation.js'
import type { Located } from './located.js'
import { nameHint } from './name-hint.js'
import { mayMatch } from './pools-of-listener.js'
import type { Problems } from './problems.js'
import type { RouteSettings } from './table-route.js'
import type { ListenerSettings, SpawndSettings } from './table-spawnd.js'
import type { TcprelaySettings } from './table-tcprelay.js'

/** Reports pools of routes that are not defined. */
export function checkPoolsOfRoutes({ pools, routes }: TcprelaySettings, problems: Problems): void {
  const names = new Set(pools.map(({ name }) => name))
  for (const pool of routes.flatMap(poolsOf)) {
    if (names.has(pool.value)) continue
    problems.error(pool.position, `there is no pool ${shown(pool.value)}`, {
      hint: nameHint(pool.value, names, 'pools'),
    })
  }
}

/** Reports routes that no client can reach, because an earlier route matches all clients of the same listeners. */
export function checkOrderOfRoutes({ routes }: TcprelaySettings, problems: Problems): void {
  // By listener: the first route that takes all of its clients; `all`: the first that takes every client.
  const taken = new Map<string, Position>()
  let all: Position | undefined
  for (const { conditions, hasMistakes, position } of routes) {
    // A rejected condition is missing here.
    if (hasMistakes) continue
    const names = conditions.listeners?.map(({ value }) => value)
    const earlier = all ?? (names && takenBy(names, taken))
    if (earlier !== undefined) {
      const place = `${earlier.file}:${earlier.line}`
      problems.warn(
        position,
        `no client reaches this route: the route at ${place} matches every client of its listeners`,
      )
      continue
    }
    const { listeners: _, ...others } = conditions
    // With another condition it takes some of the clients only.
    if (Object.values(others).some((values) => values !== undefined)) continue
    if (names === undefined) all = position
    for (const name of names ?? []) if (!taken.has(name)) taken.set(name, position)
  }
}

/** Undefined: the clients of a listener are not taken. */
function takenBy(names: readonly string[], taken: ReadonlyMap<string, Position>): Position | undefined {
  const places = names.map((name) => taken.get(name))
  return places.includes(undefined) ? undefined : places[0]
}

/** Reports listeners of routes that are not defined, and those whose clients are not routed. */
export function checkListenersOfRoutes(
  { listeners }: Pick<SpawndSettings, 'listeners'>,
  { routes }: TcprelaySettings,
  problems: Problems,
): void {
  const named = new Map<string, ListenerSettings>()
  for (const listener of listeners) if (listener.name !== undefined) named.set(listener.name, listener)
  for (const { position, value } of routes.flatMap(({ conditions }) => conditions.listeners ?? [])) {
    const listener = named.get(value)
    if (listener === undefined) {
      const hint = nameHint(value, named.keys(), 'listeners')
      problems.error(position, `there is no listener with the name ${shown(value)}`, { hint })
    } else if (listener.pool !== undefined) {
      problems.warn(position, `the listener ${shown(value)} has a 'pool', so its clients are not routed`)
    }
  }
}

/**
 * Reports dynamic routes that get the port from listeners without one, and those that get clients whose TLS is
 * terminated.
 */
export function checkDynamicRoutes(
  { listeners }: Pick<SpawndSettings, 'listeners'>,
  { routes }: TcprelaySettings,
  problems: Problems,
): void {
  const routed = listeners.filter(
    ({ hasMistakes, pool, portIndex }) => !hasMistakes && !pool && portIndex === 0,
  )
  for (const { conditions, hasMistakes, position, target } of routes) {
    if (target.dynamic === undefined || hasMistakes) continue
    const reaching = routed.filter((listener) => mayMatch(conditions, listener))
    const portless = reaching.find(({ bind }) => bind.kind === 'address' && bind.address.family === 'unix')
    if (target.dynamic.port === undefined && portless !== undefined) {
      const { file, line } = portless.position
      const text = `this route needs a 'dynamic port': the listener at ${file}:${line} is a Unix socket`
      problems.error(position, text)
    }
    const terminating = reaching.find(({ tls }) => tls.kind === 'on' || tls.kind === 'auto')
    if (terminating !== undefined) problems.warn(position, decrypted(terminating))
  }
}

function decrypted({ position: { file, line } }: ListenerSettings): string {
  return `the hosts of this route get decrypted data: the listener at ${file}:${line} terminates TLS`
}

function poolsOf({ target: { pool, split } }: RouteSettings): readonly Located<string>[] {
  return [...(pool === undefined ? [] : [pool]), ...(split ?? []).map((share) => share.pool)]
}
