/**
 * Clients of a PostgreSQL server with which the relay speaks TLS: what they ask for and what they are offered about encryption
 * concerns the connection to the relay, and the server would speak of its own.
 */
import { EAGAIN, ECONNRESET } from '../../kernel/errno.js'
import {
  ENCRYPTION_REQUEST_BYTES,
  INCOMPLETE,
  isEncryptionRequest,
  NO_ENCRYPTION,
  withoutChannelBinding,
} from '../../wire/starttls/postgres-messages.js'
import type { Session } from '../session.js'
import type { Direction } from '../transfer/direction.js'
import { gatherBytes, isGatheringOver } from '../transfer/first-bytes.js'

/** Before the session relays. */
export function expectPostgresClient({ client, toClient, toRemote }: Session): void {
  toRemote.firstBytes = denyEncryption
  // A client with TLS uses channel binding or proves that it could: both fail, and nothing here would change that.
  if (client.tls === undefined) toClient.firstBytes = hideChannelBinding
}

/** A request for encryption is denied; a client may send two, and waits for the answer. Other bytes are for the server. */
function denyEncryption(session: Session, way: Direction): boolean {
  for (;;) {
    const { held, heldBytes, heldOffset } = way
    const isRequest =
      held === undefined ? undefined : isEncryptionRequest(held.bytes, heldOffset, heldOffset + heldBytes)
    if (isRequest === true && heldBytes === ENCRYPTION_REQUEST_BYTES) {
      way.releaseBlock(session.relay.blocks)
      if (!sendNo(session)) return false
    } else if (isRequest !== undefined || isGatheringOver(way)) return handled(session, way)
    else if (!gatherBytes(session, way)) return false
  }
}

/** False: the session has ended. */
function sendNo(session: Session): boolean {
  const { client, relay } = session
  const { scratch } = relay.blocks
  scratch.bytes[0] = NO_ENCRYPTION
  const took = client.transport.send(client, relay.system.calls, scratch, 0, 1)
  if (took === 1) return true
  // The socket has room: it has got nothing before.
  client.fail(took < 0 && took !== -EAGAIN ? -took : ECONNRESET)
  session.fail('client-lost', client.error)
  return false
}

/** SCRAM with channel binding: libpq refuses the offer on a connection without TLS. */
function hideChannelBinding(session: Session, way: Direction): boolean {
  for (;;) {
    const { held, heldBytes, heldOffset } = way
    const end =
      held === undefined ? INCOMPLETE : withoutChannelBinding(held.bytes, heldOffset, heldOffset + heldBytes)
    if (end !== INCOMPLETE) {
      way.heldBytes = end - heldOffset
      return handled(session, way)
    }
    if (isGatheringOver(way)) return handled(session, way)
    if (!gatherBytes(session, way)) return false
  }
}

function handled({ relay }: Session, way: Direction): true {
  way.firstBytes = undefined
  if (way.heldBytes === 0) way.releaseBlock(relay.blocks)
  return true
}
