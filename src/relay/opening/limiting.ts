/**
 * The phases `limiting` and `late-limiting`: limits by the address of the client before its first byte is read, the others when
 * their facts are there. Each limit gives the session a place and a token, or it is rejected, or waits (`action = queue`).
 */
import { type Limiter, NO_PLACE } from '../../admission/limiter.js'
import { ruleName } from '../../admission/rule-name.js'
import { NO_TOKEN } from '../../admission/token-bucket.js'
import { UNTRACKED } from '../../base/limit-taking.js'
import type { LimitEnd } from '../../base/limit-words.js'
import { add, COUNT } from '../../observe/counters.js'
import { NO_FD } from '../connection.js'
import type { ClientLimits } from '../context.js'
import type { OpeningHandler } from '../phase-handler.js'
import type { Session } from '../session.js'
import { closeInOrder } from './close-in-order.js'
import { LimitPlaces } from './limit-places.js'
import { serviceFor } from './routing.js'

export const LIMITING: OpeningHandler = {
  isNeeded: ({ listenerSlot, relay }) =>
    relay.limits !== undefined && relay.limits.limits.early(listenerSlot).length > 0,
  begin: beginLimits,
  onReady: waitingReady,
  onTimer: waitingTimer,
  // The client's bytes stay in the kernel.
  onTurn: () => {},
}

export const LATE_LIMITING: OpeningHandler = {
  ...LIMITING,
  isNeeded: ({ listenerSlot, relay }) => relay.limits?.limits.hasLate(listenerSlot) === true,
  begin: beginLateLimits,
}

/** What `apply` says besides a reason to reject the client. */
const ADMITTED = 'admitted'
const WAITS = 'waits'
type Applied = LimitEnd | typeof ADMITTED | typeof WAITS

function beginLateLimits(session: Session): void {
  // Later phases use it.
  if (limitsOf(session).limits.needsPool) {
    session.service = serviceFor(session)
    if (session.service === undefined) return
  }
  beginLimits(session)
}

function beginLimits(session: Session): void {
  session.limitStep = 0
  goOn(session)
}

/** Applies the limits that are left. */
function goOn(session: Session): void {
  const limiters = limitersOf(session)
  while (session.limitStep < limiters.length) {
    const limiter = limiters[session.limitStep] as Limiter
    // Nobody overtakes clients that wait.
    session.relay.limitQueues.of(limiter)?.serve()
    const applied = aim(session, limiter) ? apply(session, limiter) : ADMITTED
    if (applied === WAITS) return
    if (applied !== ADMITTED) {
      reject(session, limiter, applied)
      return
    }
    session.limitStep++
  }
  session.advance()
}

function limitersOf({ listenerSlot, phase, relay, service }: Session): readonly Limiter[] {
  const limits = relay.limits?.limits
  if (limits === undefined) return []
  return phase === 'limiting' ? limits.early(listenerSlot) : limits.late(listenerSlot, service?.index)
}

function aim(session: Session, limiter: Limiter): boolean {
  return limiter.aim(session.relay.facts.of(session), session.service?.pool.name)
}

function apply(session: Session, limiter: Limiter): Applied {
  const { nowMs } = session.relay.loop
  if (!isJudged(session) && limiter.bannedMs(nowMs) > 0) return 'banned'
  const { action, bytes, connections } = limiter.plan
  // The entry of a limit of bytes is kept by a place in it.
  const needsPlace = connections < Number.POSITIVE_INFINITY || bytes !== undefined
  if (needsPlace && !takePlace(session, limiter)) {
    return action === 'queue' ? waitForPlace(session, limiter) : 'limit-connections'
  }
  return applyRate(session, limiter)
}

/** The process that accepted the client has checked bans and taken tokens, except those that clients may wait for. */
function isJudged(session: Session): boolean {
  return session.phase === 'limiting' && !session.hasProxyHeader && limitsOf(session).areJudged
}

function takePlace(session: Session, limiter: Limiter): boolean {
  const entry = limiter.take(session.relay.loop.nowMs)
  if (entry === NO_PLACE) return false
  if (entry !== UNTRACKED) {
    session.limitPlaces ??= new LimitPlaces(limitsOf(session).limits.all.length)
    session.limitPlaces.add(limiter, entry)
  }
  return true
}

function waitForPlace(session: Session, limiter: Limiter): Applied {
  const { counters, limitQueues, loop } = session.relay
  const queue = limitQueues.open(limiter, loop, serve)
  if (!queue.enter(session)) return 'limit-connections'
  add(counters, COUNT.limitWaitingNow, 1)
  session.setTimer(loop.nowMs + limiter.plan.holdMs)
  return WAITS
}

/** A session that waits for a place of this limit. */
function serve(session: Session, limiter: Limiter): void {
  if (!aim(session, limiter) || !takePlace(session, limiter)) return
  leaveLimitQueue(session)
  const applied = applyRate(session, limiter)
  if (applied === WAITS) return
  if (applied === ADMITTED) {
    session.limitStep++
    goOn(session)
  } else reject(session, limiter, applied)
}

/** The session is served or ends. No-op if it does not wait for a place. */
export function leaveLimitQueue(session: Session): void {
  const { limitQueue, relay } = session
  if (limitQueue === undefined) return
  limitQueue.leave(session)
  session.unsetTimer()
  add(relay.counters, COUNT.limitWaitingNow, -1)
}

function applyRate(session: Session, limiter: Limiter): Applied {
  const { loop } = session.relay
  const { action, heldMax, holdMs } = limiter.plan
  if (action !== 'queue') return isJudged(session) || limiter.takeToken(loop.nowMs) ? ADMITTED : 'limit-rate'
  const mayWait = limiter.holding < heldMax
  const waitMs = limiter.reserveToken(loop.nowMs, mayWait ? holdMs : 0)
  if (waitMs === NO_TOKEN) return 'limit-rate'
  if (waitMs === 0) return ADMITTED
  // The token is reserved, so nobody overtakes it and the next limit follows after the wait.
  limiter.holding++
  session.limitWait = limiter
  add(session.relay.counters, COUNT.limitWaitingNow, 1)
  session.limitStep++
  session.setTimer(loop.nowMs + waitMs)
  return WAITS
}

/** The wait for a token is over, or the session ends. No-op if it does not wait for one. */
export function endTokenWait(session: Session): void {
  if (session.limitWait === undefined) return
  session.limitWait.holding--
  session.limitWait = undefined
  add(session.relay.counters, COUNT.limitWaitingNow, -1)
}

/** Only errors end the session: bytes stay in the socket, and a FIN may be a half-close. */
function waitingReady({ client }: Session): void {
  if (client.error !== 0) client.session.fail('client-left', client.error)
}

function waitingTimer(session: Session): void {
  if (session.limitQueue === undefined) {
    endTokenWait(session)
    goOn(session)
    return
  }
  const limiter = limitersOf(session)[session.limitStep] as Limiter
  // The log and the ban are about this client.
  aim(session, limiter)
  reject(session, limiter, 'limit-timeout')
}

function reject(session: Session, limiter: Limiter, end: LimitEnd): void {
  const { client, listenerSlot, peer, relay } = session
  const limits = limitsOf(session)
  limits.report(limiter, end, peer, session.listener || (relay.listeners[listenerSlot]?.name ?? ''))
  session.rule = ruleName(limiter.plan.position)
  const action = limits.actionOf(limiter, end)
  if (action === 'close') closeInOrder(session, end)
  else if (action === 'tarpit' && limits.hold(client.fd, limiter)) {
    // The descriptor belongs to the limit from now on.
    relay.loop.forget(client.fd, client)
    client.endTls()
    client.fd = NO_FD
    session.close(end)
  } else {
    limits.prepareClose(client.fd, action)
    session.close(end)
  }
}

function limitsOf({ relay }: Session): ClientLimits {
  if (relay.limits === undefined) throw new Error('a configuration without limits limits nobody')
  return relay.limits
}
