/** The phase `greeting`: TLS handshake with the client, or its ClientHello. */
import { SO_RCVLOWAT, SOL_SOCKET } from '../../kernel/constants.js'
import { EAGAIN, EINTR, ENOMEM } from '../../kernel/errno.js'
import { READABLE, WRITABLE } from '../../reactor/poller.js'
import type { TlsChannel } from '../../tls/channel.js'
import { MORE, PROTOCOL_ERROR, TRUNCATED, WANT_READ, WANT_WRITE } from '../../tls/outcomes.js'
import { HELLO_BYTES_MAX, type HelloReading, readClientHello } from '../../wire/client-hello.js'
import type { OpeningHandler } from '../phase-handler.js'
import type { Greeting, Terminating } from '../relay-tls.js'
import type { Session } from '../session.js'
import { NO_CLOSE_NOTIFY } from '../transfer/tls-transport.js'
import { closeInOrder } from './close-in-order.js'
import { copyFirstBytes, receiveEarlyBytes } from './early-bytes.js'

/** The first byte of a TLS record that begins a handshake (RFC 8446, 5.1). */
const HANDSHAKE_RECORD = 0x16

/**
 * The rest of a partial ClientHello is only peeked. No poller reports unread bytes again, so peek again on a timer that
 * backs off between these bounds.
 */
const PEEK_RETRY_FIRST_MS = 1
const PEEK_RETRY_MAX_MS = 250

/** Longer hellos may not fit into the receive buffer, which the kernel grows only when the socket is read. */
const LONG_HELLO_BYTES = 32 * 1024

/**
 * SO_RCVLOWAT that grows the buffer enough for the longest hello, with the kernel's overhead per packet (measured).
 */
const LONG_HELLO_LOW_WATER_BYTES = 2 * 128 * 1024

export const GREETING: OpeningHandler = {
  isNeeded: ({ listenerSlot, relay }) => relay.tls.greetings[listenerSlot] !== undefined,
  begin: greet,
  onReady: greetingReady,
  onTimer: greetingTimer,
  onTurn: greetingReady,
}

/**
 * Starts the greeting with a client of a listener with TLS. If the listener detects protocols too, a silent client is
 * accepted as plain only after the longer of both time limits: a late ClientHello must not skip the greeting.
 */
function greet(session: Session): void {
  const { listeners, loop } = session.relay
  const greeting = greetingOf(session)
  const { timeoutMs, detectMs = timeoutMs } = greeting
  const silenceMs = Math.max(detectMs, listeners[session.listenerSlot]?.detection?.timeoutMs ?? 0)
  // The time for a PROXY header is part of it.
  session.greetingDeadlineMs = session.acceptedAtMs + timeoutMs
  session.pollMs = PEEK_RETRY_FIRST_MS
  session.setTimer(Math.min(loop.nowMs + silenceMs, session.greetingDeadlineMs))
  if (greeting.context === undefined || greeting.detectMs !== undefined) readOn(session)
  else beginTls(session, greeting)
}

/** The client's socket is ready, or the session has another turn. */
function greetingReady(session: Session): void {
  if (session.client.error !== 0) session.fail('client-left', session.client.error)
  else if (session.client.tls === undefined) readOn(session)
  else continueHandshake(session, session.client.tls)
}

function greetingTimer(session: Session): void {
  if (session.client.tls !== undefined) refuse(session, timedOut(session))
  else detectTimeout(session)
}

function timedOut(session: Session): string {
  const { context, timeoutMs } = greetingOf(session)
  return `${context === undefined ? 'ClientHello incomplete' : 'handshake timed out'} after ${timeoutMs / 1_000} s`
}

function greetingOf({ listenerSlot, relay }: Session): Greeting {
  const greeting = relay.tls.greetings[listenerSlot]
  if (greeting === undefined) throw new Error('a listener without TLS has no greeting')
  return greeting
}

/** Reads the first bytes of a client that may speak TLS. */
function readOn(session: Session): void {
  const greeting = greetingOf(session)
  if (greeting.context !== undefined) peekFirstByte(session, greeting)
  else if (session.toRemote.heldBytes === 0) receiveHello(session)
  else peekRest(session)
}

/** Detects TLS that is to be terminated. OpenSSL reads from the socket, so the byte stays in the kernel. */
function peekFirstByte(session: Session, greeting: Terminating): void {
  const { blocks, system } = session.relay
  const { client } = session
  const seen = system.calls.peek(client.fd, blocks.scratch, 0, 1)
  if (seen === -EINTR) session.runLater(session.toRemote)
  else if (seen === -EAGAIN) session.again(client, READABLE)
  else if (seen > 0 && blocks.scratch.bytes[0] === HANDSHAKE_RECORD) {
    session.setTimer(session.greetingDeadlineMs)
    beginTls(session, greeting)
  } else session.advance()
}

/**
 * Receives the ClientHello of a client whose TLS is passed through. It is held for the remote: a peek would cost another
 * system call for each client.
 */
function receiveHello(session: Session): void {
  const { client, toRemote } = session
  const got = receiveEarlyBytes(session)
  if (got === -EINTR) session.runLater(toRemote)
  else if (got === -EAGAIN) session.again(client, READABLE)
  else if (client.error !== 0)
    session.fail(client.error === ENOMEM ? 'shortage' : 'client-left', client.error)
  else if (toRemote.held === undefined) session.advance()
  else onHello(session, readClientHello(toRemote.held.bytes, HELLO_BYTES_MAX, got), got)
}

/** Parses a ClientHello of which only a part is held; it may be longer than a block. */
function peekRest(session: Session): void {
  const long = session.relay.blocks.borrowLong(HELLO_BYTES_MAX)
  if (long === undefined) {
    session.fail('shortage', ENOMEM)
    return
  }
  const byteCount = copyFirstBytes(session, long, HELLO_BYTES_MAX)
  onHello(session, readClientHello(long.bytes, HELLO_BYTES_MAX, byteCount), byteCount)
}

/** `byteCount`: how many bytes were parsed. */
function onHello(session: Session, reading: HelloReading, byteCount: number): void {
  const { client } = session
  switch (reading.kind) {
    case 'need-more':
      if (client.hasPeerEnded) refuse(session, 'the client closed the connection within its ClientHello')
      else if (session.relay.loop.nowMs >= session.greetingDeadlineMs) refuse(session, timedOut(session))
      else peekLater(session, reading.bytesMin)
      return
    case 'unreadable':
      refuse(session, reading.why)
      return
    case 'hello':
      client.hello = reading.hello
      // Undo the low-water mark, or the poller would report only large amounts.
      if (byteCount >= LONG_HELLO_BYTES) setLowWaterMark(session, 1)
      session.advance()
      return
    case 'not-tls':
      session.advance()
  }
}

/** Uses a timer instead of the poller: a level-triggered one would report the peeked bytes forever. */
function peekLater(session: Session, bytesMin: number): void {
  const { loop } = session.relay
  if (bytesMin >= LONG_HELLO_BYTES) setLowWaterMark(session, LONG_HELLO_LOW_WATER_BYTES)
  session.setTimer(Math.min(loop.nowMs + session.pollMs, session.greetingDeadlineMs))
  session.pollMs = Math.min(session.pollMs * 2, PEEK_RETRY_MAX_MS)
}

/** SO_RCVLOWAT grows the buffer and, unlike SO_RCVBUF, leaves the kernel's auto-tuning on. */
function setLowWaterMark({ client, relay }: Session, byteCount: number): void {
  relay.system.calls.setOption(client.fd, SOL_SOCKET, SO_RCVLOWAT, byteCount)
}

/** `tls detect timeout`: a client that is still silent counts as plain. */
function detectTimeout(session: Session): void {
  const { blocks, options, system } = session.relay
  const { client, toRemote } = session
  if (toRemote.heldBytes > 0 || system.calls.peek(client.fd, blocks.scratch, 0, 1) !== -EAGAIN) {
    readOn(session)
    return
  }
  client.mustBePlain = options.asks !== undefined && greetingOf(session).context === undefined
  session.advance()
}

function beginTls(session: Session, { context, isTruncationReset, versions }: Terminating): void {
  const { client } = session
  const channel = context.accept(client.fd, versions)
  if (channel === undefined) {
    session.fail('shortage', ENOMEM)
    return
  }
  client.speakTls(channel, isTruncationReset)
  continueHandshake(session, channel)
}

function continueHandshake(session: Session, tls: TlsChannel): void {
  const { client, relay } = session
  const outcome = tls.handshake()
  switch (outcome) {
    case 0:
      if (relay.options.hasAccessLog) client.tlsFacts = tls.facts()
      session.advance()
      return
    case WANT_READ:
      session.again(client, READABLE)
      return
    case WANT_WRITE:
      session.again(client, WRITABLE)
      return
    case MORE:
      session.runLater(session.toRemote)
      return
    case PROTOCOL_ERROR:
      refuse(session, tls.reason)
      return
    case TRUNCATED:
      client.noteCause(NO_CLOSE_NOTIFY)
      session.cut('client-left')
      return
    default:
      client.fail(-outcome)
      session.fail('client-left', -outcome)
  }
}

/** Rejects the client. The connection is closed without a reset, so that a TLS alert still arrives. */
function refuse(session: Session, why: string): void {
  session.client.onProtocolError(why)
  closeInOrder(session, 'bad-greeting')
}
