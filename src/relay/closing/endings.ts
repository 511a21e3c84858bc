import { ECONNRESET, ENOMEM, ENOTCONN, EPIPE, EPROTO, ESHUTDOWN } from '../../kernel/errno.js'
import type { Connection } from '../connection.js'
import type { EndReason } from '../phases.js'
import type { Session } from '../session.js'
import type { Direction } from '../transfer/direction.js'

/** The whole side of a broken session is cut when nothing of what it still gets has moved for this long. */
const DELIVERY_STALL_MS = 5_000

/** How often the kernel is asked whether the peer has acknowledged everything: at first, and at most. */
const POLL_FIRST_MS = 4
const POLL_MAX_MS = 100

/**
 * One side is broken. What it sent before still goes to the other side; when that has acknowledged all of it,
 * the other side is reset, so that it can tell a cut transfer from a whole one. Called whenever a side breaks
 * and whenever the last direction gets further.
 */
export function passOnFailure(session: Session, connection: Connection): void {
  if (session.broken === undefined) begin(session, connection)
  else if (isOrderly(session) && connection !== session.broken) {
    session.fail(reasonFor(connection), connection.error)
    return
  }
  if (session.client.error !== 0 && session.remote.error !== 0) {
    session.cut(session.reason)
    return
  }
  const way = (session.broken as Connection).reads
  if (way.isDone) awaitDelivery(session, way.sink)
  else if (!way.isBlocked) session.run(way) // ends here again, with the error or with its last byte
}

/** The timer of a session with a broken side. */
export function passOnFailureTimer(session: Session): void {
  const way = (session.broken as Connection).reads
  if (way.isDone) pollDelivery(session, way.sink)
  else waitForProgress(session)
}

/**
 * SCTP knows no half-close: nobody can send to a side that has ended, so the session is over for both. The other side
 * is told, behind the last byte of what it still gets, and when it has acknowledged that, both sockets are closed.
 * What it has sent meanwhile and nobody could get turns its end into a reset.
 */
export function endInOrder(session: Session, left: Connection): void {
  const whole = left.other
  session.broken = left
  session.reason = 'done'
  if (session.phase === 'relaying') session.enter('draining')
  session.dropHeld(left.writes)
  left.writes.isDone = true
  const outcome = session.relay.system.calls.shutdownWrite(whole.fd)
  if (outcome >= 0) awaitDelivery(session, whole)
  else if (!whole.transport.hasHalfClose)
    finish(session) // it has ended at the same time
  else {
    whole.fail(-outcome)
    session.fail(reasonFor(whole), whole.error)
  }
}

/** An SCTP peer that has ended in order takes nothing more, which is no failure. */
export function hasLeft({ error, transport }: Connection): boolean {
  return !transport.hasHalfClose && (error === ESHUTDOWN || error === EPIPE || error === ENOTCONN)
}

/** What it sent before that is still read, up to its end. */
export function sinkLeft(session: Session, way: Direction): void {
  const { sink } = way
  sink.error = 0
  session.dropHeld(way)
  sink.mayRead = true
  session.run(sink.reads)
}

/** The broken side has not failed: it has ended. */
function isOrderly({ broken, reason }: Session): boolean {
  return broken !== undefined && reason === 'done'
}

function finish(session: Session): void {
  if (isOrderly(session)) session.close('done')
  else session.cut(session.reason)
}

function unsentBytes({ relay }: Session, { fd, transport }: Connection): number {
  return transport.unsentBytes(relay.system.calls, fd)
}

function begin(session: Session, broken: Connection): void {
  session.broken = broken
  broken.mayRead = true
  session.reason = reasonFor(broken)
  session.blame(broken.error)
  if (session.phase === 'relaying') session.enter('draining')
  session.dropHeld(broken.writes)
  broken.writes.isDone = true
  session.lastActiveMs = session.relay.loop.nowMs
  waitForProgress(session)
}

function reasonFor({ error, isClient, tls }: Connection): EndReason {
  if (error === ENOMEM) return 'shortage'
  if (error === EPROTO && tls !== undefined) return isClient ? 'client-tls-error' : 'remote-tls-error'
  // ENOTCONN is what shutdown answers when the reset has come but was not told yet.
  const isReset = error === ECONNRESET || error === EPIPE || error === ENOTCONN
  if (isReset) return isClient ? 'client-reset' : 'remote-reset'
  return isClient ? 'client-lost' : 'remote-lost'
}

function hasStalled(session: Session): boolean {
  return session.relay.loop.nowMs - session.lastActiveMs >= DELIVERY_STALL_MS
}

/** Bytes are still held because the whole side does not take them. */
function waitForProgress(session: Session): void {
  if (hasStalled(session)) session.cut(session.reason)
  else session.setTimer(session.lastActiveMs + DELIVERY_STALL_MS)
}

/** Everything has been handed to the kernel: a reset now would throw away what the peer has not got yet. */
function awaitDelivery(session: Session, whole: Connection): void {
  const unsent = unsentBytes(session, whole)
  // A Unix socket knows no reset, and closing it takes nothing from what its peer may still read (unix(7)).
  if (unsent <= 0 || !whole.transport.hasReset) {
    finish(session)
    return
  }
  session.undelivered = unsent
  session.lastActiveMs = session.relay.loop.nowMs
  session.pollMs = POLL_FIRST_MS
  session.setTimer(session.relay.loop.nowMs + session.pollMs)
}

function pollDelivery(session: Session, whole: Connection): void {
  const { loop } = session.relay
  const unsent = unsentBytes(session, whole)
  if (unsent <= 0 || (unsent === session.undelivered && hasStalled(session))) {
    finish(session)
    return
  }
  if (unsent !== session.undelivered) session.lastActiveMs = loop.nowMs
  session.undelivered = unsent
  session.pollMs = Math.min(session.pollMs * 2, POLL_MAX_MS)
  session.setTimer(loop.nowMs + session.pollMs)
}
