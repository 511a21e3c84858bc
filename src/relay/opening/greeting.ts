import { EAGAIN, EINTR } from '../../kernel/errno.js'
import { add, COUNT } from '../../observe/counters.js'
import { READABLE, WRITABLE } from '../../reactor/poller.js'
import type { TlsChannel } from '../../tls/channel.js'
import { MORE, PROTOCOL_ERROR, TRUNCATED, WANT_READ, WANT_WRITE } from '../../tls/outcomes.js'
import { readClientHello } from '../../wire/client-hello.js'
import type { PhaseHandler } from '../phase-handler.js'
import type { Greeting, Terminating } from '../relay-tls.js'
import type { Session } from '../session.js'
import { BLOCK_BYTES } from '../transfer/blocks.js'
import { ask } from './asking.js'
import { dial } from './attempts.js'

/** The first byte of a TLS record that begins a handshake (RFC 8446, 5.1). */
const HANDSHAKE_RECORD = 0x16

/** Half a hello stays in the kernel, and what is unread is no news: whether more has come is looked for, at first so soon and at most so late. */
const LOOK_FIRST_MS = 1
const LOOK_MAX_MS = 250

export const GREETING: PhaseHandler = {
  onReady: greetingReady,
  onTimer: greetingTimer,
  onTurn: greetingReady,
}

/** Begins what a client of a listener with TLS has to say before a remote is looked for. */
export function greet(session: Session): void {
  const { loop } = session.relay
  const greeting = greetingOf(session)
  const timeoutMs = greeting.context === undefined ? greeting.detectMs : greeting.timeoutMs
  session.greetingDeadlineMs = loop.nowMs + timeoutMs
  session.pollMs = LOOK_FIRST_MS
  const { detectMs = timeoutMs } = greeting
  session.setTimer(loop.nowMs + Math.min(detectMs, timeoutMs))
  if (greeting.context === undefined || greeting.detectMs !== undefined) look(session)
  else begin(session, greeting)
}

/** The client's socket is ready, or the session has another turn. */
function greetingReady(session: Session): void {
  if (session.client.error !== 0) session.cut('client-left')
  else if (session.client.tls === undefined) look(session)
  else shakeHands(session, session.client.tls)
}

function greetingTimer(session: Session): void {
  const isLookingOn = greetingOf(session).context === undefined
  if (isLookingOn && session.relay.loop.nowMs < session.greetingDeadlineMs) look(session)
  else if (session.client.tls === undefined) serve(session)
  else refuse(session, 'it takes too long')
}

function greetingOf({ listenerSlot, relay }: Session): Greeting {
  const greeting = relay.tls.greetings[listenerSlot]
  if (greeting === undefined) throw new Error('a listener without TLS has no greeting')
  return greeting
}

/** Does the client speak TLS, and what does it say? What it sends stays in the kernel. */
function look(session: Session): void {
  const { blocks, system } = session.relay
  const { client } = session
  const greeting = greetingOf(session)
  const { context } = greeting
  const seen = system.calls.peek(client.fd, blocks.scratch, 0, context === undefined ? BLOCK_BYTES : 1)
  if (seen === -EINTR) {
    session.runLater(session.toRemote)
    return
  }
  const isMoreNeeded = seen > 0 && context === undefined && !readHello(session, seen)
  if (seen !== -EAGAIN && !isMoreNeeded) {
    const isTls = seen > 0 && blocks.scratch.bytes[0] === HANDSHAKE_RECORD
    if (greeting.context === undefined || !isTls) serve(session)
    else {
      session.setTimer(session.greetingDeadlineMs)
      begin(session, greeting)
    }
  } else if (client.hasPeerEnded)
    serve(session) // half a greeting, and no more will come
  else if (isMoreNeeded) lookLater(session)
  else session.again(client, READABLE)
}

/** A poller that knows no edges would tell of the bytes that are left where they are again and again: it is not asked. */
function lookLater(session: Session): void {
  const { loop } = session.relay
  session.setTimer(Math.min(loop.nowMs + session.pollMs, session.greetingDeadlineMs))
  session.pollMs = Math.min(session.pollMs * 2, LOOK_MAX_MS)
}

/** Reads the hello of a client whose TLS is passed on; true when all is known that can be. */
function readHello({ client, relay }: Session, seen: number): boolean {
  const reading = readClientHello(relay.blocks.scratch.bytes.subarray(0, seen))
  if (reading.kind === 'hello') client.hello = reading.hello
  return reading.kind !== 'need-more'
}

function begin(session: Session, { context, isTruncationReset, versions }: Terminating): void {
  const { client } = session
  const channel = context.accept(client.fd, versions)
  if (channel === undefined) {
    session.cut('shortage')
    return
  }
  client.speakTls(channel, isTruncationReset)
  shakeHands(session, channel)
}

function shakeHands(session: Session, tls: TlsChannel): void {
  const { client, relay } = session
  const outcome = tls.handshake()
  switch (outcome) {
    case 0:
      if (relay.options.hasAccessLog) client.tlsFacts = tls.facts()
      serve(session)
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
      session.cut('client-left')
      return
    default:
      client.fail(-outcome)
      session.cut('client-left')
  }
}

/** The client may have a remote now, if others have nothing to say against it. */
function serve(session: Session): void {
  const { options } = session.relay
  session.unsetTimer()
  session.enter(options.asks === undefined ? 'dialling' : 'asking')
  if (options.asks === undefined) dial(session)
  else ask(session, options.asks)
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
