/**
 * Clients of a MySQL server with which the relay speaks TLS. The client gets the greeting of the server during the attempt, and
 * the request for TLS is made of its login; from the greeting on there is no other remote for it.
 */
import type { Outcome } from '../../kernel/calls.js'
import { EAGAIN, ECONNRESET } from '../../kernel/errno.js'
import { LOGIN_BYTES, requestFor } from '../../wire/starttls/client-mysql.js'
import { MysqlLogin } from '../../wire/starttls/mysql-login.js'
import type { Session } from '../session.js'
import type { FirstBytes } from '../transfer/direction.js'
import { gatherBytes, isGatheringOver } from '../transfer/first-bytes.js'
import { setAttemptTimer, setDeadline } from './attempt-timer.js'
import { sendRequest } from './plain-opening.js'

/** The session has ended. */
export const ENDED: Outcome = -10_100

/**
 * Sends the greeting to the client, waits for its login and requests TLS: 0 if TLS may begin, -EAGAIN, ENDED, or another
 * negated errno if the remote failed. Call again at each event of the two sockets.
 */
export function requestTlsFor(session: Session): Outcome {
  const { dialling, toRemote } = session
  if (!dialling.isCommitted && !sendGreeting(session)) return ENDED
  dialling.awaitsClient = true
  while (toRemote.heldBytes < LOGIN_BYTES) {
    if (isGatheringOver(toRemote)) return end(session, 'the client left before its login')
    if (!gatherBytes(session, toRemote)) return -EAGAIN
  }
  const request = requestFor((toRemote.held as NonNullable<typeof toRemote.held>).bytes, toRemote.heldOffset)
  if (request === undefined) return end(session, 'the client sent no login of MySQL')
  dialling.awaitsClient = false
  return sendRequest(session, request)
}

/** It is in the block of the direction to the client. False: the client has failed. */
function sendGreeting(session: Session): boolean {
  const { client, dialling, relay, toClient } = session
  const { heldBytes } = toClient
  const { held } = toClient
  if (held === undefined) throw new Error('a server of MySQL without a greeting')
  const took = client.transport.send(client, relay.system.calls, held, 0, heldBytes)
  if (took !== heldBytes) {
    // The socket has room: it has got nothing before.
    session.fail('client-left', took < 0 && took !== -EAGAIN ? -took : ECONNRESET)
    return false
  }
  toClient.bytes += took
  toClient.heldBytes = 0
  toClient.releaseBlock(relay.blocks)
  dialling.isCommitted = true
  dialling.awaited = ''
  setDeadline(session, Number.POSITIVE_INFINITY)
  setAttemptTimer(session)
  return true
}

function end(session: Session, cause: string): Outcome {
  session.cause = cause
  session.cut('bad-greeting')
  return ENDED
}

/** Before the session relays. */
export function expectMysqlClient({ toClient, toRemote }: Session): void {
  const login = new MysqlLogin()
  toRemote.firstBytes = rewriter(login, 'toServer')
  toClient.firstBytes = rewriter(login, 'toClient')
}

/** Rewrites the packets of a direction until the login is over. */
function rewriter(login: MysqlLogin, direction: 'toClient' | 'toServer'): FirstBytes {
  // The end of the bytes that are rewritten, in the block that the direction holds.
  let end = 0
  return (session, way) => {
    if (way.heldBytes === 0) end = 0
    let mayHaveMore = true
    // Until the source is drained: what the pump reads itself would not be rewritten.
    while (mayHaveMore && !isGatheringOver(way) && !login.isOver) {
      end = rewrite()
      if (!login.isOver) mayHaveMore = gatherBytes(session, way)
    }
    end = rewrite()
    if (login.isOver || isGatheringOver(way)) {
      way.firstBytes = undefined
      if (way.heldBytes === 0) way.releaseBlock(session.relay.blocks)
      return true
    }
    return way.heldBytes > 0 && end === way.heldOffset + way.heldBytes

    function rewrite(): number {
      return way.held === undefined
        ? 0
        : login[direction](way.held.bytes, end, way.heldOffset + way.heldBytes)
    }
  }
}
