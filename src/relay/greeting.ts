import { EAGAIN, EINTR } from '../kernel/errno.js'
import { add, COUNT } from '../observe/counters.js'
import { READABLE, WRITABLE } from '../reactor/poller.js'
import { MORE, PROTOCOL_ERROR, TRUNCATED, WANT_READ, WANT_WRITE } from '../tls/outcomes.js'
import { dial } from './attempts.js'
import type { Session } from './session.js'

/** The first byte of a TLS record that begins a handshake (RFC 8446, 5.1). */
const HANDSHAKE_RECORD = 0x16

/** Begins what a client of a listener with TLS has to say before a remote is looked for. */
export function greet(session: Session): void {
  const { loop } = session.relay
  const { silentMs, timeoutMs } = greetingOf(session)
  session.greetingDeadlineMs = loop.nowMs + timeoutMs
  const waitMs = silentMs === undefined ? timeoutMs : Math.min(silentMs, timeoutMs)
  loop.timers.set(session.timer, loop.nowMs + waitMs)
  if (silentMs === undefined) begin(session)
  else look(session)
}

/** The client's socket has news, or the session has another turn. */
export function greetingReady(session: Session): void {
  if (session.client.error !== 0) session.cut('client-left')
  else if (session.client.tls === undefined) look(session)
  else shakeHands(session)
}

export function greetingTimer(session: Session): void {
  const { nowMs } = session.relay.loop
  if (nowMs < session.greetingDeadlineMs && session.client.tls === undefined) serve(session)
  else refuse(session, 'it takes too long')
}

function greetingOf({ listenerSlot, relay }: Session) {
  const greeting = relay.tls.greetings[listenerSlot]
  if (greeting === undefined) throw new Error('a listener without TLS has no greeting')
  return greeting
}

/** Does the client speak TLS? Its first byte tells; one that says nothing waits for the server to speak. */
function look(session: Session): void {
  const { blocks, loop, system } = session.relay
  const { client } = session
  const seen = system.calls.peek(client.fd, blocks.scratch, 0, 1)
  if (seen === -EAGAIN || seen === -EINTR) {
    if (seen === -EINTR) loop.later(session.toRemote)
    else loop.again(client.fd, client, READABLE)
    return
  }
  if (seen === 1 && blocks.scratch.bytes[0] === HANDSHAKE_RECORD) {
    loop.timers.set(session.timer, session.greetingDeadlineMs)
    begin(session)
  } else serve(session)
}

function begin(session: Session): void {
  const { client } = session
  client.tls = greetingOf(session).context.accept(client.fd)
  if (client.tls === undefined) {
    session.cut('shortage')
    return
  }
  client.tls.trustsShortReceive = !client.isUnix
  shakeHands(session)
}

function shakeHands(session: Session): void {
  const { client, relay } = session
  const { loop } = relay
  const { tls } = client
  if (tls === undefined) return
  const outcome = tls.handshake()
  switch (outcome) {
    case 0:
      if (relay.options.hasAccessLog) client.tlsFacts = tls.facts()
      serve(session)
      return
    case WANT_READ:
      loop.again(client.fd, client, READABLE)
      return
    case WANT_WRITE:
      loop.again(client.fd, client, WRITABLE)
      return
    case MORE:
      loop.later(session.toRemote)
      return
    case PROTOCOL_ERROR:
      refuse(session, tls.reason)
      return
    case TRUNCATED:
      session.cut('client-left')
      return
    default:
      client.fail(-outcome)
      session.cut('client-left')
  }
}

/** The client may have a remote now. */
function serve(session: Session): void {
  session.relay.loop.timers.unset(session.timer)
  session.enter('dialling')
  dial(session)
}

/** The client was told why by an alert; the connection ends in order, so that it may still arrive. */
function refuse(session: Session, why: string): void {
  const { blocks, counters, system, trouble } = session.relay
  add(counters, COUNT.tlsErrors, 1)
  trouble.tellTls(session, true, why)
  // Bytes that nobody has read would turn the close into a reset, and the alert would be lost.
  system.calls.recv(session.client.fd, blocks.scratch, 0, blocks.scratch.byteLength)
  session.close('bad-greeting')
}
