/** What a connected attempt does before the session relays: PROXY header, opening of STARTTLS, TLS handshake, and a greeting to drop. */
import type { Outcome } from '../../kernel/calls.js'
import { EAGAIN, ECONNRESET, ENOMEM, EPROTO } from '../../kernel/errno.js'
import { READABLE, WRITABLE } from '../../reactor/poller.js'
import type { TlsChannel } from '../../tls/channel.js'
import { MORE, PROTOCOL_ERROR, TRUNCATED, WANT_READ, WANT_WRITE } from '../../tls/outcomes.js'
import type { Origination } from '../relay-tls.js'
import type { Session } from '../session.js'
import { lookForNoOther, setDeadline } from './attempt-timer.js'
import { requestTlsFor } from './mysql-client.js'
import { speakOpening } from './plain-opening.js'
import { dropGreeting } from './remote-greeting.js'
import { sendProxyHeader } from './send-proxy-header.js'

/**
 * Goes on from where the last call stopped: 0 when the session may relay, -EAGAIN while it waits for the socket or a turn, or
 * ENDED, or another negated errno, with `dialling.reason` if there is more to say.
 */
export function prepareRemote(session: Session): Outcome {
  const outcome = session.dialling.awaitsGreeting ? 0 : prepareTransport(session)
  return outcome === 0 ? dropGreeting(session) : outcome
}

function prepareTransport(session: Session): Outcome {
  const { relay, remote, remoteSlot } = session
  if (remote.tls !== undefined) return shakeHands(session, remote.tls)
  const sent = sendProxyHeader(session)
  if (sent === -EAGAIN) waitFor(session, WRITABLE)
  if (sent < 0) return sent
  const origination = relay.tls.remotes[remoteSlot]
  if (origination === undefined) return 0
  const { opening } = origination
  if (opening !== undefined) {
    const opened = speakOpening(session, opening)
    if (opened < 0) return opened
    const requested = opening.protocol === 'mysql' ? requestTlsFor(session) : 0
    if (requested < 0) return requested
  }
  return beginTls(session, origination)
}

function waitFor(session: Session, interest: typeof READABLE | typeof WRITABLE): void {
  lookForNoOther(session)
  session.again(session.remote, interest)
}

/** Starts the TLS handshake, which has a time limit of its own. */
function beginTls(session: Session, { context, isTruncationReset, timeoutMs }: Origination): Outcome {
  const { remote } = session
  remote.neverDelay(session.relay.system.calls)
  const channel = context.connect(remote.fd)
  if (channel === undefined) return -ENOMEM
  remote.speakTls(channel, isTruncationReset)
  setDeadline(session, timeoutMs)
  lookForNoOther(session)
  return shakeHands(session, channel)
}

function shakeHands(session: Session, tls: TlsChannel): Outcome {
  const { dialling, relay, remote } = session
  const outcome = tls.handshake()
  switch (outcome) {
    case 0:
      // The records that were read may contain the remote's first bytes.
      remote.mayRead = true
      if (relay.options.hasAccessLog) remote.tlsFacts = tls.facts()
      return 0
    case WANT_READ:
      session.again(remote, READABLE)
      return -EAGAIN
    case WANT_WRITE:
      session.again(remote, WRITABLE)
      return -EAGAIN
    case MORE:
      session.runLater(session.toClient)
      return -EAGAIN
    case PROTOCOL_ERROR:
      dialling.reason = `TLS: ${tls.reason}`
      return -EPROTO
    default:
      return outcome === TRUNCATED ? -ECONNRESET : outcome
  }
}
