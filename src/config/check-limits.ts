/** Checks limits: their names, and that this program counts the clients of their listeners. */
import type { Position } from '../base/problem.js'
import { hasOtherChildren } from './check-datagrams.js'
import { shown } from './expectation.js'
import type { Problems } from './problems.js'
import type { LimitSettings } from './table-limit.js'
import type { SpawndSettings } from './table-spawnd.js'
import type { TcprelaySettings } from './table-tcprelay.js'

const NO_BAN = "'ban' is not possible in a pool: banned clients are rejected before their pool is known"
const NO_BAN_HINT = 'write the limit with the ban into the section or into a listener'

/** Children of another program do not report whose clients have ended. */
export function checkLimitsOfListeners(spawnd: SpawndSettings, problems: Problems): void {
  const areOthers = hasOtherChildren(spawnd)
  for (const { limits, portIndex } of spawnd.listeners) {
    // Reported once for each block.
    if (portIndex > 0) continue
    checkNames(limits, problems)
    const [first] = limits
    if (areOthers && first !== undefined)
      problems.error(first.position, "'limit' requires children of this program")
  }
}

export function checkLimits({ limits, pools }: TcprelaySettings, problems: Problems): void {
  checkNames(limits, problems)
  for (const pool of pools) {
    checkNames(pool.limits, problems)
    for (const { ban } of pool.limits)
      if (ban !== undefined) problems.error(ban.position, NO_BAN, { hint: NO_BAN_HINT })
  }
}

/** A table continues under its name after a reload. */
function checkNames(limits: readonly LimitSettings[], problems: Problems): void {
  const known = new Map<string, Position>()
  for (const { name, position } of limits) {
    if (name === undefined) continue
    const earlier = known.get(name)
    if (earlier === undefined) known.set(name, position)
    else
      problems.error(
        position,
        `the limit ${shown(name)} is already defined at ${earlier.file}:${earlier.line}`,
      )
  }
}
