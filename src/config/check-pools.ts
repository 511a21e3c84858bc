/** Checks pools: their names, that they have remotes, and that each listener's pool is there. */
import { POLICIES_WITHOUT_SLOW_START, type PolicyName } from '../base/policy-names.js'
import type { Position } from '../base/problem.js'
import { orList, shown } from './expectation.js'
import { nameHint } from './name-hint.js'
import type { Problems } from './problems.js'
import { DEFAULT_POOL } from './table-pool.js'
import type { SpawndSettings } from './table-spawnd.js'
import type { TcprelaySettings } from './table-tcprelay.js'

type Pools = TcprelaySettings['pools']

/** A client gets the same remote again. */
const HASHING: readonly PolicyName[] = ['source', 'maglev']

const ALL_ZERO = "'weight = 0' means no new clients, and no remote has another weight"

/** Reports pools of the same name, those without remotes, and those whose remotes get no clients. */
export function checkPools({ pools, position: section }: TcprelaySettings, problems: Problems): void {
  const known = new Map<string, Pools[number]>()
  for (const pool of pools) {
    const { hasMistakes, name, position, remotes } = pool
    const earlier = known.get(name)
    if (earlier === undefined) known.set(name, pool)
    else problems.error(position, sameName(name, earlier.position, section))
    // The pool `default` of the section itself: a section without remotes is reported as a whole.
    const isOfSection = position === section
    if (remotes.length === 0 && !hasMistakes && !isOfSection)
      problems.error(position, `the pool ${shown(name)} has no remotes`)
    const [first] = remotes
    if (first !== undefined && !hasMistakes && remotes.every(({ weight }) => weight === 0))
      problems.warn(first.position, `the pool ${shown(name)} serves no clients: ${ALL_ZERO}`)
    checkSlowStart(pool, problems)
    checkShed(pool, problems)
  }
  checkBackOff(pools, problems)
}

/** Pools may have both directives from the section: each is reported once. */
function checkBackOff(pools: Pools, problems: Problems): void {
  const wrong = new Map(
    pools.flatMap(({ backOffFirst, backOffMaxMs }) => {
      if (backOffFirst === undefined || backOffFirst.value <= backOffMaxMs) return []
      return [[backOffFirst.position, backOffMaxMs]]
    }),
  )
  for (const [position, maxMs] of wrong)
    problems.error(position, `'back-off first' is longer than 'back-off max', which is ${maxMs / 1_000} s`)
}

function checkSlowStart({ name, policy, position, remotes, slowStartMs }: Pools[number], problems: Problems) {
  if (!POLICIES_WITHOUT_SLOW_START.includes(policy)) return
  const own = remotes.find((remote) => (remote.slowStartMs ?? 0) > 0)
  if (own === undefined && slowStartMs === 0) return
  const text = `'slow start' has no effect in the pool ${shown(name)}: 'balance = ${policy}' ignores it`
  problems.warn(own?.position ?? position, text)
}

/** The clients would come back to the same remote, so the plan ignores `shed` there. */
function checkShed({ name, policy, shed, sticky }: Pools[number], problems: Problems) {
  if (shed === undefined) return
  const isSticky = sticky !== undefined && sticky.entries > 0
  const cause = isSticky ? "'sticky'" : HASHING.includes(policy) ? `'balance = ${policy}'` : undefined
  if (cause === undefined) return
  const text = `'shed' has no effect in the pool ${shown(name)}: ${cause} brings each client back to its remote`
  problems.warn(shed.position, text)
}

function sameName(name: string, earlier: Position, section: Position): string {
  return earlier === section
    ? `the pool '${DEFAULT_POOL}' is made of the remotes that are in no pool, which this section has as well`
    : `the pool ${shown(name)} is already defined at ${earlier.file}:${earlier.line}`
}

/** Reports listeners whose pool is not defined, and those without one where there is neither a route nor a pool `default`. */
export function checkPoolsOfListeners(
  { listeners }: Pick<SpawndSettings, 'listeners'>,
  { pools, routes }: TcprelaySettings,
  problems: Problems,
): void {
  const names = pools.map(({ name }) => name)
  for (const { pool, portIndex, position } of listeners) {
    // Reported once for each block.
    if (portIndex > 0) continue
    if (pool === undefined) {
      if (names.includes(DEFAULT_POOL) || routes.length > 0) continue
      const hint = `add 'pool = ${orList(names)}'`
      problems.error(position, `this listener has no pool, and there is no pool '${DEFAULT_POOL}'`, { hint })
      continue
    }
    if (names.includes(pool.value)) continue
    const hint = nameHint(pool.value, new Set(names), 'pools')
    problems.error(pool.position, `there is no pool ${shown(pool.value)}`, { hint })
  }
}
