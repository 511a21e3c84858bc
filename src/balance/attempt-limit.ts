/** The limits of the attempts to connect for one client. */
import type { RetryBudget } from './retry-budget.js'

/** End reasons of sessions. */
export type AttemptLimit = 'attempts-max' | 'retry-budget'

/**
 * The limit that one more attempt would exceed; undefined: none. `attempts`: those so far, of which the first is not
 * limited. `budget`: undefined if the pool has none.
 */
export function reachedLimit(
  attempts: number,
  attemptsMax: number,
  budget: RetryBudget | undefined,
  nowMs: number,
): AttemptLimit | undefined {
  if (attempts === 0) return undefined
  if (attempts >= attemptsMax) return 'attempts-max'
  return budget === undefined || budget.allows(nowMs) ? undefined : 'retry-budget'
}
