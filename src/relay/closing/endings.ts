/** How sessions end when one side fails, and how SCTP sessions end. */
import { ECONNRESET, ENOMEM, ENOTCONN, EPIPE, EPROTO, ESHUTDOWN } from '../../kernel/errno.js'
import type { Connection } from '../connection.js'
import type { EndReason } from '../phases.js'
import type { Session } from '../session.js'
import type { Direction } from '../transfer/direction.js'

/** The intact side of a broken session is cut after this long without progress of its delivery. */
const DELIVERY_STALL_MS = 5_000

/** Poll interval for acknowledgement (SIOCOUTQ): the first one, doubled up to the maximum. */
const POLL_FIRST_MS = 4
const POLL_MAX_MS = 100

/**
 * One side has failed. The bytes that it sent before are still delivered to the other side, which is reset once it
 * has acknowledged them: a peer must be able to distinguish a cut transfer from a complete one. Called whenever a
 * side fails and whenever the last direction makes progress.
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
  else if (!way.isBlocked) session.run(way) // comes back here with the error or after the last byte
}

/** The timer of a session with a broken side. */
export function passOnFailureTimer(session: Session): void {
  const way = (session.broken as Connection).reads
  if (way.isDone) pollDelivery(session, way.sink)
  else waitForProgress(session)
}

/**
 * SCTP has no half-close: nothing can be sent to a side that has ended, so the session ends for both. The other side
 * gets a FIN after its last byte, and both sockets are closed when it has acknowledged that. Bytes that it has sent
 * meanwhile and that cannot be delivered turn its end into a reset.
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

/** An SCTP peer that has ended regularly refuses further messages, which is no failure. */
export function hasLeft({ error, transport }: Connection): boolean {
  return !transport.hasHalfClose && (error === ESHUTDOWN || error === EPIPE || error === ENOTCONN)
}

/** The sink has ended: drops what is held for it and reads what it sent before. */
export function sinkLeft(session: Session, way: Direction): void {
  const { sink } = way
  sink.error = 0
  session.dropHeld(way)
  sink.mayRead = true
  session.run(sink.reads)
}

/** The side in `broken` has ended regularly (`endInOrder`). */
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
  // shutdown(2) returns ENOTCONN after a reset that was not reported yet.
  const isReset = error === ECONNRESET || error === EPIPE || error === ENOTCONN
  if (isReset) return isClient ? 'client-reset' : 'remote-reset'
  return isClient ? 'client-lost' : 'remote-lost'
}

function hasStalled(session: Session): boolean {
  return session.relay.loop.nowMs - session.lastActiveMs >= DELIVERY_STALL_MS
}

/** Bytes are still held because the intact side is not writable. */
function waitForProgress(session: Session): void {
  // The rate of the direction does not allow more yet.
  if (session.broken?.reads.isAsleep) session.lastActiveMs = session.relay.loop.nowMs
  if (hasStalled(session)) session.cut(session.reason)
  else session.setTimer(session.lastActiveMs + DELIVERY_STALL_MS)
}

/** All bytes are in the kernel: wait for acknowledgement, because a reset now would discard unsent ones. */
function awaitDelivery(session: Session, whole: Connection): void {
  const unsent = unsentBytes(session, whole)
  // Unix sockets have no reset, and after close(2) their peer can still read everything (unix(7)).
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
