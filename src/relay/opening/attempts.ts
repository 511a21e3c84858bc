/**
 * The phase `dialling`: attempts to connect, first over the addresses of a remote, then over the remotes of the pool.
 */
import type { Hedging } from '../../balance/hedging.js'
import { FULL, NONE } from '../../balance/policy.js'
import {
  EAGAIN,
  ECONNREFUSED,
  EINPROGRESS,
  ENOMEM,
  ETIMEDOUT,
  isLocalRefusal,
  isOwnShortage,
} from '../../kernel/errno.js'
import { add, COUNT, REMOTE_COUNT } from '../../observe/counters.js'
import { HUNG_UP, READABLE, WRITABLE } from '../../reactor/poller.js'
import { type Connection, NO_FD } from '../connection.js'
import type { OpeningHandler } from '../phase-handler.js'
import type { DialTarget } from '../remotes.js'
import type { Session } from '../session.js'
import { startRelaying } from '../transfer/relaying.js'
import { guardSession } from '../transfer/session-guard.js'
import { countAttempt, endAtLimit, isAtLimit } from './attempt-limits.js'
import { setAttemptTimer, setDeadline } from './attempt-timer.js'
import { hashOfClient } from './client-hash.js'
import { connectTo, isConnectedToItself } from './connect-to.js'
import { hasSentBytes, takeEarlyBytes } from './early-bytes.js'
import {
  countFailure,
  failureText,
  noteFailure,
  noteLocalRefusal,
  noteSlow,
  remoteFailed,
} from './failures.js'
import { settleSyn } from './fast-open.js'
import { mayHedge, pickForHedge } from './hedging-limits.js'
import { noteMptcp } from './mptcp-peers.js'
import { ENDED, expectMysqlClient } from './mysql-client.js'
import { mustQueue, pickAndTake } from './pick-and-take.js'
import { expectPostgresClient } from './postgres-client.js'
import { prepareRemote } from './prepare-remote.js'
import { enqueue, leaveQueue } from './queued.js'
import { hasOpening } from './remote-greeting.js'
import { serviceFor } from './routing.js'
import { targetAddress, targetOf } from './target-address.js'

/** Pause between two rounds over all remotes. */
export const ROUND_PAUSE_MS = 1_000

/** Back-off when the relay lacks descriptors or memory. */
const SHORTAGE_PAUSE_MS = 100

/** Connection Attempt Delay of RFC 8305, section 5: between the addresses of a remote. */
const ADDRESS_DELAY_MS = 250

/** Each attempt has a descriptor, and some names have dozens of addresses: the next one waits until one of these fails. */
const PARALLEL_MAX = 3

export const DIALLING: OpeningHandler = {
  isNeeded: () => true,
  begin: dial,
  onReady: attemptReady,
  onTimer: attemptTimer,
  onTurn: attemptTurn,
}

/** Starts connecting to a remote, or to the host that the client asks for. */
function dial(session: Session): void {
  const { loop, pools } = session.relay
  const service = session.service ?? serviceFor(session)
  if (service === undefined) return
  const { key, label, pool } = service
  const options = pools.optionsOf(service, session.listenerSlot)
  session.pool = label
  session.options = options
  session.meteredPool = pool.observes === 'bytes' ? pool : undefined
  guardSession(session)
  const dialling = session.beginDialling(service)
  dialling.deadlineMs = loop.nowMs + options.dialTimeoutMs
  dialling.roundsLeft = options.dialRetries
  dialling.key = key === undefined ? 0 : hashOfClient(session, key)
  pool.countClient()
  tryNext(session)
}

/** Gives a waiting client a remote, or the reason why it gets none; false if none has room any more. */
export function serveWaiting(session: Session): boolean {
  if (endAtLimit(session)) return true
  const slot = pickAndTake(session)
  if (slot === FULL) return false
  leaveQueue(session)
  session.enter('dialling')
  if (slot === NONE) roundFailed(session)
  else if (beginRemote(session, slot)) tryNext(session)
  return true
}

/** Either socket is ready while dialling. */
function attemptReady(session: Session, connection: Connection, readiness: number): void {
  if (connection.isClient) {
    if (connection.error !== 0) session.fail('client-left', connection.error)
    else if (session.dialling.awaitsClient) prepare(session)
    return
  }
  if (connection.tls !== undefined) prepare(session)
  else if (connection.error !== 0 && !hasOpening(session) && hasSentBytes(session)) connected(session)
  else if (connection.error !== 0) attemptFailed(session, connection.error)
  else if (session.dialling.isConnected) prepare(session)
  else if ((readiness & HUNG_UP) !== 0) attemptFailed(session, ECONNREFUSED)
  else if ((readiness & WRITABLE) !== 0) connected(session)
}

/** An attempt has timed out, the next address is due, or a pause is over. */
function attemptTimer(session: Session): void {
  const { dialling, relay, remote } = session
  const { nowMs } = relay.loop
  if (remote.fd === NO_FD) tryNext(session)
  else if (nowMs >= dialling.attemptDeadlineMs || dialling.parallel.resumeLate(nowMs)) timedOut(session)
  else if (nowMs >= dialling.hedgeAtMs) hedge(session)
  else {
    dialling.parallel.add(session, false)
    tryNext(session)
  }
}

function timedOut(session: Session): void {
  const { dialling } = session
  if (dialling.awaitsClient) {
    session.cause = 'the client sent no login in time'
    session.cut('bad-greeting')
    return
  }
  if (dialling.awaitsGreeting) dialling.reason = 'its greeting did not come in time'
  else if (dialling.awaited !== '') dialling.reason = `STARTTLS failed: no ${dialling.awaited} in time`
  attemptFailed(session, ETIMEDOUT)
}

/** The current attempt is slow: tries another remote beside it. */
function hedge(session: Session): void {
  const { counters, loop } = session.relay
  const { dialling, remoteSlot } = session
  dialling.hedgeAtMs = Number.POSITIVE_INFINITY
  if (!mayHedge(session)) {
    setAttemptTimer(session)
    return
  }
  dialling.tried.add(remoteSlot)
  dialling.hasTried = true
  dialling.parallel.add(session, true)
  const slot = pickForHedge(session)
  if (slot === NONE) {
    dialling.parallel.resume()
    setAttemptTimer(session)
    return
  }
  dialling.hedgeSlot = slot
  dialling.service.hedging?.countHedge(loop.nowMs)
  add(counters, COUNT.hedges, 1)
  if (beginRemote(session, slot)) tryNext(session)
}

/** Tries remotes until an attempt is in progress, a pause starts, or the session has ended. */
function tryNext(session: Session): void {
  for (;;) {
    if (session.relay.loop.nowMs >= session.dialling.deadlineMs) {
      dialTimedOut(session)
      return
    }
    if (session.remoteSlot === NONE && !chooseRemote(session)) return
    if (tryAddresses(session) || resumeParallel(session)) return
    remoteFailed(session)
  }
}

/** `dial timeout`. The current remote counts as failed too, or it would never be backed off from. */
function dialTimedOut(session: Session): void {
  if (session.remoteSlot !== NONE && session.dialling.hasRemoteFailed) remoteFailed(session)
  session.cause = failureText(session)
  session.cut(session.dialling.isShort ? 'shortage' : 'dial-timeout')
}

/** Chooses the next remote; false when the round is over or the session waits. */
function chooseRemote(session: Session): boolean {
  if (endAtLimit(session)) return false
  const slot = mustQueue(session) ? FULL : pickAndTake(session)
  if (slot >= 0) return beginRemote(session, slot)
  const { queue } = session.dialling.service
  if (slot === FULL && queue !== undefined) enqueue(session, queue)
  else roundFailed(session)
  return false
}

/** A place of this remote is taken. Receives the client's first bytes, once; false if that ends the session. */
function beginRemote(session: Session, slot: number): boolean {
  const { dialling } = session
  const { loop } = session.relay
  session.remoteSlot = slot
  dialling.order = targetOf(session).order
  dialling.addressesTried = 0
  dialling.hasRemoteFailed = false
  dialling.attemptStartedMs = loop.nowMs
  const { hedging } = dialling.service
  const isHedged = hedging !== undefined && dialling.hedgeSlot === NONE
  dialling.hedgeAtMs = isHedged ? loop.nowMs + hedging.delayMs : Number.POSITIVE_INFINITY
  if (dialling.hasReadClient) return true
  dialling.hasReadClient = true
  takeEarlyBytes(session)
  const { error } = session.client
  if (error !== 0) session.fail(error === ENOMEM ? 'shortage' : 'client-left', error)
  return error === 0
}

function roundFailed(session: Session): void {
  const { dialling, options } = session
  const isLast = dialling.roundsLeft === 0
  if (isLast || dialling.attempts >= options.attemptsMax) {
    session.cause = failureText(session)
    session.cut(isLast ? 'no-remote' : 'attempts-max')
    return
  }
  dialling.roundsLeft--
  dialling.tried.clear()
  dialling.hasTried = false
  pause(session, ROUND_PAUSE_MS)
}

function pause(session: Session, pauseMs: number): void {
  const { loop } = session.relay
  session.setTimer(Math.min(loop.nowMs + pauseMs, session.dialling.deadlineMs))
}

/**
 * Tries the remaining addresses of the chosen remote. True: an attempt is in progress, a pause has started, or the session
 * has ended. False: all have failed, or nothing more can be tried while others are in flight.
 */
function tryAddresses(session: Session): boolean {
  const { dialling } = session
  const { warnings } = session.relay
  const { order } = dialling
  const target = targetOf(session)
  const isAlone = dialling.parallel.count === 0
  // Addresses may have been replaced by fewer ones.
  while (dialling.addressesTried < Math.min(order.length, target.addressCount)) {
    if (isAlone ? endAtLimit(session) : isAtLimit(session)) return isAlone
    dialling.addressIndex = order[dialling.addressesTried] as number
    const outcome = connectTo(session, targetAddress(session, dialling.addressIndex))
    dialling.isShort = isAlone && isOwnShortage(-outcome)
    if (isOwnShortage(-outcome)) {
      warnings.report('cannot connect to remotes, clients wait', -outcome)
      if (!isAlone) return false
      noteFailure(session, -outcome)
      pause(session, SHORTAGE_PAUSE_MS)
      return true
    }
    dialling.addressesTried++
    const isRefusedHere = dialling.isRefusedHere || isLocalRefusal(-outcome)
    if (!isRefusedHere) countAttempt(session)
    if (outcome === -EINPROGRESS) {
      setDeadline(session, Number.POSITIVE_INFINITY)
      waitForAttempts(session)
      return true
    }
    if (outcome >= 0) {
      session.again(session.remote, READABLE)
      connected(session)
      return true
    }
    if (isRefusedHere) {
      noteLocalRefusal(session, -outcome)
      warnings.report(`cannot connect to ${target.name} from here`, -outcome)
    } else countFailure(session, -outcome)
  }
  return false
}

/** No address is left, and other attempts are in flight: one of them becomes the current one. False: there is none. */
function resumeParallel(session: Session): boolean {
  const { parallel } = session.dialling
  if (parallel.count === 0) return false
  if (parallel.elsewhere !== undefined) remoteFailed(session)
  parallel.resume()
  waitForAttempts(session)
  return true
}

/** Waits for the attempts in flight, and for the time of the next address if there is one. */
function waitForAttempts(session: Session): void {
  const { dialling, relay } = session
  const { nowMs } = relay.loop
  dialling.nextAddressMs = hasAddressToRace(session) ? nowMs + ADDRESS_DELAY_MS : Number.POSITIVE_INFINITY
  setAttemptTimer(session)
}

/**
 * An association of SCTP has several addresses itself, and what is sent with a SYN must not be sent twice. Beside a hedge
 * each remote has one attempt in flight.
 */
function hasAddressToRace(session: Session): boolean {
  const { addressesTried, order, parallel } = session.dialling
  if (addressesTried >= order.length || parallel.count === PARALLEL_MAX) return false
  if (parallel.elsewhere !== undefined) return false
  const { options, sctp } = targetOf(session)
  return sctp === undefined && !options.isFastOpen
}

/** The socket is connected, the first one if there are several. */
function connected(session: Session): void {
  if (isConnectedToItself(session)) {
    // A regular close would leave the remote's port in TIME-WAIT, and a server could not bind to it.
    session.relay.system.calls.resetOnClose(session.remote.fd)
    attemptFailed(session, ECONNREFUSED)
    return
  }
  const { hedging } = session.dialling.service
  if (hedging !== undefined) settleHedge(session, hedging)
  session.dialling.parallel.close(session.relay)
  settleSyn(session)
  session.dialling.isConnected = true
  prepare(session)
}

/** The next step of a connected attempt, until the session relays. */
function prepare(session: Session): void {
  const outcome = prepareRemote(session)
  if (outcome === 0) established(session)
  else if (outcome !== -EAGAIN && outcome !== ENDED) attemptFailed(session, -outcome)
}

/** The current attempt is connected. One at another remote has not failed, and may be tried again. */
function settleHedge(session: Session, hedging: Hedging): void {
  const { dialling, relay, remoteSlot } = session
  const { nowMs } = relay.loop
  hedging.took(nowMs - dialling.attemptStartedMs)
  const slower = dialling.parallel.elsewhere
  if (slower === undefined) return
  hedging.took(nowMs - slower.startedMs)
  dialling.tried.delete(slower.remoteSlot)
  if (remoteSlot !== dialling.hedgeSlot) return
  add(relay.counters, COUNT.hedgesWon, 1)
  noteSlow(session, slower.remoteSlot)
}

/** The handshake or the greeting has another turn. */
function attemptTurn(session: Session): void {
  const { tls } = session.remote
  const { awaitsClient, awaitsGreeting } = session.dialling
  const isShakingHands = tls !== undefined && !tls.isReady
  if (isShakingHands || awaitsClient || awaitsGreeting) prepare(session)
}

function established(session: Session): void {
  const { health, loop, remoteCounters, remotes, warnings } = session.relay
  const target = targetOf(session)
  session.unsetTimer()
  warnings.recovered()
  target.prefer(session.dialling.addressIndex)
  if (session.target !== undefined) session.host = hostName(session, target)
  if (target.options.isMptcp) noteMptcp(session, session.remote)
  const { attemptStartedMs, pool } = session.dialling
  remotes.evidence.succeeded(session.remoteSlot, attemptStartedMs, loop.nowMs)
  if (pool.observes === 'connect-ms')
    pool.observe(session.remoteSlot, loop.nowMs - attemptStartedMs, loop.nowMs)
  session.endDialling()
  health.succeeded(session.remoteSlot)
  remoteCounters.add(session.remoteSlot, REMOTE_COUNT.sessions, 1)
  const opening = session.relay.tls.remotes[session.remoteSlot]?.opening
  if (opening?.protocol === 'mysql') expectMysqlClient(session)
  else if (opening?.protocol === 'postgres') expectPostgresClient(session)
  startRelaying(session)
}

function hostName(session: Session, { name }: DialTarget): string {
  return `${name}:${targetAddress(session, 0).port}`
}

/** The current attempt failed: goes on to the next address or remote. */
function attemptFailed(session: Session, errno: number): void {
  session.unsetTimer()
  session.closeConnection(session.remote)
  session.remote.clear()
  // What the opening has received.
  session.dropHeld(session.toClient)
  countFailure(session, errno)
  if (session.dialling.isCommitted) committedFailed(session)
  else tryNext(session)
}

/** No other remote knows the challenge in the greeting that the client has got. */
function committedFailed(session: Session): void {
  remoteFailed(session)
  session.cause = failureText(session)
  session.cut('no-remote')
}
