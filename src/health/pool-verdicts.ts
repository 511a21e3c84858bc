/** From the verdicts on the members of a pool to what its workers read: `max ejected` and `panic`. Pure. */
import { DOWN, EXCLUDED, UP } from '../base/verdict.js'
import type { Verdict } from './remote-state.js'

/** Of a pool, as parts of 1. */
export interface PoolLimits {
  /** Of its members, those that the failures of sessions may exclude at once. */
  readonly maxEjected: number
  /** With fewer usable members all are used. 0: never. */
  readonly panic: number
}

export interface Member {
  readonly verdict: Verdict
  /** It has a weight and is not in maintenance. Others do not count. */
  readonly isInService: boolean
}

export interface PoolVerdicts {
  /** In the order of the members: UP, DOWN or EXCLUDED. */
  readonly cells: readonly number[]
  /** Of the members in service: all, and those that are not excluded. */
  readonly total: number
  readonly usable: number
  /** All are used, because too few are usable. */
  readonly isPanic: boolean
}

export function poolVerdicts(limits: PoolLimits, members: readonly Member[]): PoolVerdicts {
  const inService = members.filter(({ isInService }) => isInService)
  const ejected = new Set(ejectedMembers(limits, inService))
  const cells = members.map((member) => cellOf(member.verdict, ejected.has(member)))
  const total = inService.length
  const usable = members.filter(({ isInService }, i) => isInService && cells[i] !== EXCLUDED).length
  const isPanic = usable < limits.panic * total
  return { cells: isPanic ? cells.map(atMostDown) : cells, total, usable, isPanic }
}

/** Those that failed first; at least one member that is not down by a check is left. */
function ejectedMembers({ maxEjected }: PoolLimits, inService: readonly Member[]): readonly Member[] {
  const left = inService.filter(({ verdict }) => verdict.isEjected || !verdict.isExcluded).length
  // Rounded down; a product such as 0.29 * 100 is slightly too small.
  const max = Math.min(Math.floor(maxEjected * inService.length + 1e-9), left - 1)
  return inService
    .filter(({ verdict }) => verdict.isEjected)
    .sort((a, b) => a.verdict.downAtMs - b.verdict.downAtMs)
    .slice(0, Math.max(0, max))
}

function cellOf({ isDown, isEjected, isExcluded }: Verdict, mayBeEjected: boolean): number {
  if (isExcluded && (!isEjected || mayBeEjected)) return EXCLUDED
  return isDown ? DOWN : UP
}

function atMostDown(cell: number): number {
  return cell === EXCLUDED ? DOWN : cell
}
