import { ECONNRESET, ENOMEM, ENOTCONN, EPIPE } from '../kernel/errno.js'
import type { Connection } from './connection.js'
import type { EndReason } from './phases.js'
import type { Session } from './session.js'

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

function begin(session: Session, broken: Connection): void {
  session.broken = broken
  broken.mayRead = true
  session.reason = reasonFor(broken)
  if (session.phase === 'relaying') session.enter('draining')
  session.dropHeld(broken.writes)
  broken.writes.isDone = true
  session.lastActiveMs = session.relay.loop.nowMs
  waitForProgress(session)
}

function reasonFor({ error, isClient }: Connection): EndReason {
  if (error === ENOMEM) return 'shortage'
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
  else session.relay.loop.timers.set(session.timer, session.lastActiveMs + DELIVERY_STALL_MS)
}

/** Everything has been handed to the kernel: a reset now would throw away what the peer has not got yet. */
function awaitDelivery(session: Session, whole: Connection): void {
  const unsent = session.relay.system.calls.unsentBytes(whole.fd)
  // A Unix socket knows no reset, and closing it takes nothing from what its peer may still read (unix(7)).
  if (unsent <= 0 || whole.isUnix) {
    session.cut(session.reason)
    return
  }
  session.undelivered = unsent
  session.lastActiveMs = session.relay.loop.nowMs
  session.pollMs = POLL_FIRST_MS
  session.relay.loop.timers.set(session.timer, session.relay.loop.nowMs + session.pollMs)
}

function pollDelivery(session: Session, whole: Connection): void {
  const { loop, system } = session.relay
  const unsent = system.calls.unsentBytes(whole.fd)
  if (unsent <= 0 || (unsent === session.undelivered && hasStalled(session))) {
    session.cut(session.reason)
    return
  }
  if (unsent !== session.undelivered) session.lastActiveMs = loop.nowMs
  session.undelivered = unsent
  session.pollMs = Math.min(session.pollMs * 2, POLL_MAX_MS)
  loop.timers.set(session.timer, loop.nowMs + session.pollMs)
}
