/** Ends clients whose next attempt to connect would exceed a limit: `attempts max`, or the `retry budget` of the pool. */
import { type AttemptLimit, reachedLimit } from '../../balance/attempt-limit.js'
import { NONE } from '../../balance/policy.js'
import type { Session } from '../session.js'
import { failureText, remoteFailed } from './failures.js'
import { targetOf } from './target-address.js'

/** An attempt has gone out. */
export function countAttempt({ dialling, relay }: Session): void {
  const { hedging, retryBudget } = dialling.service
  retryBudget?.count(dialling.attempts, relay.loop.nowMs)
  if (dialling.attempts === 0) hedging?.countFirst(relay.loop.nowMs)
  dialling.attempts++
}

/** Whether one more attempt would exceed a limit. */
export function isAtLimit(session: Session): boolean {
  return limitOf(session) !== undefined
}

function limitOf({ dialling, options, relay }: Session): AttemptLimit | undefined {
  const { attempts, service } = dialling
  return reachedLimit(attempts, options.attemptsMax, service.retryBudget, relay.loop.nowMs)
}

/** True if the client had a remote or an address left to try, and has ended. */
export function endAtLimit(session: Session): boolean {
  const { dialling, relay, remoteSlot } = session
  const { pool, service, tried } = dialling
  const { nowMs } = relay.loop
  const limit = limitOf(session)
  if (limit === undefined || (remoteSlot === NONE && !pool.hasUntried(tried))) return false
  if (remoteSlot !== NONE) leaveRemote(session)
  session.cause = failureText(session)
  if (limit === 'retry-budget') {
    const why = `the retry budget of ${service.retryBudget?.percent} % is spent: ${session.cause}`
    relay.warnings.reportUnserved(nowMs, session.client, pool.name, limit, why)
  }
  session.cut(limit)
  return true
}

/** It has untried addresses: the next client begins with them, or a dead first one would hide them. */
function leaveRemote(session: Session): void {
  const { addressesTried, hasRemoteFailed, order } = session.dialling
  targetOf(session).prefer(order[addressesTried] as number)
  if (hasRemoteFailed) remoteFailed(session)
}
