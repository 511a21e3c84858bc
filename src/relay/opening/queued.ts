/** The phase `queued`: every usable remote of the pool is full, and the client waits until one of them has room. */
import { add, COUNT } from '../../observe/counters.js'
import { HUNG_UP } from '../../reactor/poller.js'
import type { Connection } from '../connection.js'
import type { PhaseHandler } from '../phase-handler.js'
import type { Session } from '../session.js'
import type { UnservedEnd } from '../throttled-warnings.js'
import type { PoolQueue } from './pool-queue.js'

export const QUEUED: PhaseHandler = {
  onReady: queuedReady,
  onTimer: queueTimedOut,
  // The client's bytes stay in the kernel until a remote has room.
  onTurn: () => {},
}

/** Makes a session wait that is dialling and has no remote. It may get one at once. */
export function enqueue(session: Session, queue: PoolQueue): void {
  const { dialling, options } = session
  const { counters, loop } = session.relay
  if (!queue.enter(dialling, session)) {
    rejectWaiting(session, 'queue-full', 'its queue is full')
    return
  }
  session.enter('queued')
  add(counters, COUNT.queued, 1)
  add(counters, COUNT.queuedNow, 1)
  const untilMs = loop.nowMs + options.queueTimeoutMs
  if (untilMs < Number.POSITIVE_INFINITY) session.setTimer(untilMs)
  queue.serve()
}

/** Ends the wait of a session, which is served or ends. The time does not count as dialling. */
export function leaveQueue(session: Session): void {
  const { dialling } = session
  const { counters, loop } = session.relay
  const waitedMs = loop.nowMs - dialling.queuedAtMs
  dialling.service.queue?.leave(dialling)
  dialling.deadlineMs += waitedMs
  session.queuedMs += waitedMs
  session.unsetTimer()
  add(counters, COUNT.queuedNow, -1)
}

/** A FIN may be a half-close: it does not end the wait. */
function queuedReady(session: Session, { error }: Connection, readiness: number): void {
  if (error !== 0) session.fail('client-left', error)
  else if ((readiness & HUNG_UP) !== 0 && !hasUnreadBytes(session)) session.cut('client-left')
}

/** Only Unix sockets hang up without an error. What the client has sent before is still relayed. */
function hasUnreadBytes({ client, relay, toRemote }: Session): boolean {
  const { blocks, system } = relay
  return toRemote.heldBytes > 0 || system.calls.peek(client.fd, blocks.scratch, 0, 1) > 0
}

function queueTimedOut(session: Session): void {
  rejectWaiting(
    session,
    'queue-timeout',
    `no remote had room within ${session.options.queueTimeoutMs / 1_000} s`,
  )
}

function rejectWaiting(session: Session, reason: UnservedEnd, why: string): void {
  const { loop, warnings } = session.relay
  warnings.reportUnserved(loop.nowMs, session.client, session.dialling.pool.name, reason, why)
  session.cut(reason)
}
