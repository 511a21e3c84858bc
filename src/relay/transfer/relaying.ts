/**
 * The phases `relaying` and `draining`: when directions run, and how the session reacts to the outcome. Bytes are
 * moved by `pump.ts` and `messages.ts`; a side that fails is handled by `closing/endings.ts`.
 */
import { EAGAIN } from '../../kernel/errno.js'
import { setKeepAlive } from '../../kernel/keepalive.js'
import { READABLE, WRITABLE } from '../../reactor/poller.js'
import { endInOrder, hasLeft, passOnFailure, passOnFailureTimer, sinkLeft } from '../closing/endings.js'
import type { Connection } from '../connection.js'
import { areFirstBytesPlain } from '../opening/late-tls.js'
import type { PhaseHandler } from '../phase-handler.js'
import type { Session } from '../session.js'
import * as d from './direction.js'
import { pumpMessages } from './messages.js'
import { pump } from './pump.js'

/**
 * SCTP has no half-close: forwarding a TCP client's FIN would stop the server from replying. The FIN is held back
 * until the server has been idle this long, where `half-close timeout` does not set a time.
 */
const HELD_END_MS = 10_000

/**
 * The kernel's first probe comes after a second at the earliest (`tcp keepalive idle`), by default after two hours.
 */
const KEEP_ALIVE_AFTER_MS = 1_000

export const RELAYING: PhaseHandler = {
  onReady: socketReady,
  onTimer: quietTimer,
  onTurn: run,
}

/** Starts relaying between the client and its connected remote. */
export function startRelaying(session: Session): void {
  const { client, remote, toClient, toRemote } = session
  session.enter('relaying')
  session.wasConnected = true
  const isOfMessages = client.transport.keepsMessages && remote.transport.keepsMessages
  toRemote.isOfMessages = isOfMessages
  toClient.isOfMessages = isOfMessages
  session.lastActiveMs = session.relay.loop.nowMs
  keepAliveLater(session)
  waitForQuiet(session)
  if (session.isGuarded) session.guard?.startRelaying()
  session.run(toRemote)
  // The first run may have closed the session.
  if (session.phase !== 'closed' && remote.mayRead) session.run(toClient)
}

/** Schedules keepalive on the remote's socket: most sessions end before it. Accepted sockets inherit it. */
export function keepAliveLater(session: Session): void {
  const { options } = session
  const { loop } = session.relay
  if (options.keepAlive.isOn && session.remote.transport.isTcp)
    session.keepAliveAtMs = loop.nowMs + KEEP_ALIVE_AFTER_MS
}

/** Sets the timer to the idle deadline, or to when keepalive is due. */
export function waitForQuiet(session: Session): void {
  const dueMs = Math.min(session.lastActiveMs + quietMs(session), session.keepAliveAtMs)
  if (dueMs < Number.POSITIVE_INFINITY) session.setTimer(dueMs)
}

function socketReady(session: Session, connection: Connection, readiness: number): void {
  if (connection.error !== 0) {
    passOnFailure(session, connection)
    return
  }
  if (connection.readsWhenWritable && (readiness & WRITABLE) !== 0) {
    connection.readsWhenWritable = false
    connection.mayRead = true
  }
  // While the sink is full nothing is read: the direction resumes when it is writable.
  if (!connection.reads.isBlocked) {
    if (connection.mayRead) session.run(connection.reads)
  } else if ((readiness & READABLE) !== 0) pauseBulk(session, connection)
  const unblocks = connection.writesWhenReadable ? READABLE | WRITABLE : WRITABLE
  if ((readiness & unblocks) !== 0 && connection.writes.isBlocked) session.run(connection.writes)
}

/** Runs a direction and reacts to the outcome. */
function run(session: Session, way: d.Direction): void {
  if (way.source.mustBePlain && !areFirstBytesPlain(session)) return
  if (way.firstBytes !== undefined && !way.firstBytes(session, way)) return
  if (way.bytes >= way.bytesAllowed && way.pacing?.mayMove() === false) return
  const { relay } = session
  const before = way.bytes
  const { splice } = session.options
  const { calls } = relay.system
  const pumped = way.isOfMessages
    ? pumpMessages(way, calls, relay.blocks)
    : pump(way, calls, relay.blocks, relay.pipes, splice)
  if (way.bytes !== before) {
    session.lastActiveMs = relay.loop.nowMs
    session.meteredPool?.observe(session.remoteSlot, way.bytes - before, relay.loop.nowMs)
    way.notePace(way.bytes - before, splice, relay.pipes)
  }
  way.pacing?.ran(pumped, relay.loop.nowMs)
  switch (pumped) {
    case d.EMPTY:
      if (way.bytes - before >= splice.restBytes && mayRest(session, way)) rest(session, way)
      else waitForSource(session, way.source)
      return
    case d.BLOCKED:
      waitForSink(session, way.sink)
      return
    case d.SPENT:
      if (way.bytes < way.bytesAllowed || way.pacing?.mayMove() !== false) session.runLater(way)
      return
    case d.ENDED:
      wayEnded(session, way)
      return
    case d.SOURCE_FAILED:
      way.isDone = true
      passOnFailure(session, way.source)
      return
    case d.SINK_FAILED:
      way.isDone = true
      if (hasLeft(way.sink) && session.broken === undefined) sinkLeft(session, way)
      else passOnFailure(session, way.sink)
      return
  }
}

/** Re-arms the source; with TLS the read may also have unblocked writing. */
function waitForSource(session: Session, source: Connection): void {
  session.again(source, source.readsWhenWritable ? WRITABLE : READABLE)
  if (source.writesWhenReadable && source.writes.isBlocked) session.run(source.writes)
}

function waitForSink(session: Session, sink: Connection): void {
  session.again(sink, sink.writesWhenReadable ? READABLE : WRITABLE)
}

/** A bulk stream may rest, unless the other direction waits for the same socket to become writable. */
function mayRest({ options }: Session, { bigRuns, source }: d.Direction): boolean {
  return bigRuns >= options.splice.restRuns && !source.writes.isBlocked
}

/** Pauses reads briefly: one longer run costs less than a wake-up per segment. */
function rest(session: Session, way: d.Direction): void {
  session.pauseReads(way.source)
  way.source.mayRead = true
  session.runSoon(way)
}

/** In bulk, with a full sink, each arriving segment would wake the relay in vain, about ten times until it drains. */
function pauseBulk(session: Session, connection: Connection): void {
  if (connection.reads.isSpliced && !connection.writes.isBlocked) session.pauseReads(connection)
}

/** The last byte of a direction has been sent: forwards the end. */
function wayEnded(session: Session, way: d.Direction): void {
  const { sink, source } = way
  way.isDone = true
  way.demote(session.relay.pipes)
  // All bytes of the failed side were sent: now the failure itself is passed on.
  if (session.broken !== undefined) {
    passOnFailure(session, session.broken)
    return
  }
  if (!sendEnd(session, way)) return
  if (sink.reads.isDone) {
    session.close('done')
    return
  }
  if (!source.transport.hasHalfClose) {
    endInOrder(session, source)
    return
  }
  if (sink.transport.hasHalfClose) {
    const outcome = session.relay.system.calls.shutdownWrite(sink.fd)
    if (outcome < 0) {
      sink.fail(-outcome)
      passOnFailure(session, sink)
      return
    }
  } else session.heldEnd = source
  session.enter('draining')
  // The FIN counts as activity: idle time starts here.
  session.lastActiveMs = session.relay.loop.nowMs
  waitForQuiet(session)
}

/** Sends the end of the sink's own protocol (close_notify); false while that is blocked or if it failed. */
function sendEnd(session: Session, way: d.Direction): boolean {
  const { sink } = way
  const outcome = sink.transport.sendEnd(sink)
  if (outcome === -EAGAIN) {
    way.isDone = false
    way.isBlocked = true
    waitForSink(session, sink)
  } else if (outcome < 0) {
    sink.fail(-outcome)
    passOnFailure(session, sink)
  }
  return outcome >= 0
}

/** The idle limit of this phase; Infinity: none. */
function quietMs({ heldEnd, options, phase }: Session): number {
  const { idleTimeoutMs, halfCloseTimeoutMs } = options
  if (phase !== 'draining') return idleTimeoutMs
  const isLimited = halfCloseTimeoutMs < Number.POSITIVE_INFINITY
  if (heldEnd === undefined || isLimited) return Math.min(idleTimeoutMs, halfCloseTimeoutMs)
  return Math.min(idleTimeoutMs, HELD_END_MS)
}

function quietTimer(session: Session): void {
  if (session.broken !== undefined) {
    passOnFailureTimer(session)
    return
  }
  const { options } = session
  const { loop, system } = session.relay
  if (session.toClient.isAsleep || session.toRemote.isAsleep) session.lastActiveMs = loop.nowMs
  if (loop.nowMs >= session.keepAliveAtMs) {
    session.keepAliveAtMs = Number.POSITIVE_INFINITY
    setKeepAlive(system.calls, session.remote.fd, options.keepAlive)
  }
  const limitMs = quietMs(session)
  // Moving bytes does not set the timer, so it fires at a deadline that may have moved since.
  if (loop.nowMs - session.lastActiveMs < limitMs) {
    waitForQuiet(session)
    return
  }
  if (session.heldEnd !== undefined && limitMs !== options.idleTimeoutMs) endInOrder(session, session.heldEnd)
  else session.cut(limitMs === options.idleTimeoutMs ? 'idle-timeout' : 'half-close-timeout')
}
