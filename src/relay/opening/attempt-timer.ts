/** The timer of a session that dials: deadlines of attempts, and the times of further ones. */
import type { Session } from '../session.js'

/** Sets it to the earliest of them. */
export function setAttemptTimer(session: Session): void {
  const { attemptDeadlineMs, hedgeAtMs, nextAddressMs, parallel } = session.dialling
  const dueMs = Math.min(attemptDeadlineMs, hedgeAtMs, nextAddressMs)
  session.setTimer(parallel.count === 0 ? dueMs : parallel.deadlineBefore(dueMs))
}

/**
 * Sets the deadline of the current attempt, at most `limitMs`; if there is something else to try, half of the remaining
 * dial timeout is left for that. Computed inline: V8 boxes a double that a function returns.
 */
export function setDeadline(session: Session, limitMs: number): void {
  const { dialling, options, relay } = session
  const { addressesTried, attempts, deadlineMs, order, pool } = dialling
  const { loop } = relay
  const isOnlyOne = pool.members.length === 1 && addressesTried === order.length
  const isLast = isOnlyOne || attempts === options.attemptsMax
  const leftMs = deadlineMs - loop.nowMs
  const waitMs = Math.min(options.connectTimeoutMs, limitMs, isLast ? leftMs : leftMs / 2)
  dialling.attemptDeadlineMs = Math.min(loop.nowMs + waitMs, deadlineMs)
}

/** A connected attempt is not raced any more. */
export function lookForNoOther(session: Session): void {
  session.dialling.nextAddressMs = Number.POSITIVE_INFINITY
  session.dialling.hedgeAtMs = Number.POSITIVE_INFINITY
  setAttemptTimer(session)
}
