/**
 * The phase `detecting`: peeks at the client's first bytes until its protocol is decided. Clients of server-first
 * protocols send nothing: after `detect timeout` they continue without a protocol.
 */
import { EAGAIN, EINTR } from '../../kernel/errno.js'
import { READABLE } from '../../reactor/poller.js'
import { alpnProtocol, onlyIn } from '../../wire/sniff/alpn-protocol.js'
import { MORE } from '../../wire/sniff/answer.js'
import { type ClientKey, KEY_SOURCES } from '../../wire/sniff/client-key.js'
import { detect, detectAtEnd, detectBytesMax, NO_PROTOCOL, UNDECIDED } from '../../wire/sniff/detect.js'
import { PROTOCOL, PROTOCOL_NAMES } from '../../wire/sniff/protocol-names.js'
import type { Detection } from '../detection.js'
import type { OpeningHandler } from '../phase-handler.js'
import type { Session } from '../session.js'
import { copyFirstBytes } from './early-bytes.js'

/** As for a partial ClientHello (`greeting.ts`): no poller reports bytes again that were only peeked at. */
const PEEK_RETRY_FIRST_MS = 1
const PEEK_RETRY_MAX_MS = 250

export const DETECTING: OpeningHandler = {
  isNeeded: ({ listenerSlot, relay }) => relay.listeners[listenerSlot]?.detection !== undefined,
  begin: detectProtocol,
  onReady: detectingReady,
  onTimer: peek,
  onTurn: peek,
}

/** Starts detection. The bytes are only peeked at, so the phases that follow are the same as without it. */
function detectProtocol(session: Session): void {
  const { client } = session
  const detection = detectionOf(session)
  if (client.tls !== undefined) {
    const { alpn } = client.tlsFacts ?? client.tls.facts()
    settle(session, alpnProtocol(alpn, detection.protocols), '')
  } else if (client.hello !== undefined) settle(session, onlyIn(detection.protocols, PROTOCOL.tls), '')
  else if (detectBytesMax(detection.protocols) === 0) {
    settle(session, onlyIn(detection.protocols, NO_PROTOCOL), '')
  } else {
    session.pollMs = PEEK_RETRY_FIRST_MS
    session.setTimer(deadlineOf(session, detection))
    peek(session)
  }
}

function detectingReady(session: Session): void {
  if (session.client.error !== 0) session.fail('client-left', session.client.error)
  else peek(session)
}

function detectionOf({ listenerSlot, relay }: Session): Detection {
  const detection = relay.listeners[listenerSlot]?.detection
  if (detection === undefined) throw new Error('a listener without routes by protocol detects none')
  return detection
}

function deadlineOf({ acceptedAtMs }: Session, { timeoutMs }: Detection): number {
  return acceptedAtMs + timeoutMs
}

function peek(session: Session): void {
  const { blocks, loop } = session.relay
  const { client } = session
  const detection = detectionOf(session)
  const isLate = loop.nowMs >= deadlineOf(session, detection)
  const seen = copyFirstBytes(session, blocks.scratch, bytesMax(detection))
  if (seen === -EINTR) session.runLater(session.toRemote)
  else if (seen === -EAGAIN && !isLate) session.again(client, READABLE)
  else if (seen < 0 && seen !== -EAGAIN) {
    client.fail(-seen)
    session.fail('client-left', -seen)
  } else onBytes(session, detection, Math.max(seen, 0), isLate || seen === 0 || client.hasPeerEnded)
}

function bytesMax({ keys, protocols }: Detection): number {
  let most = detectBytesMax(protocols)
  for (const key of keys) most = Math.max(most, KEY_SOURCES[key].bytesMax)
  return most
}

/** The first bytes are in the scratch block. `isFinal`: decide without waiting for more. */
function onBytes(session: Session, detection: Detection, byteCount: number, isFinal: boolean): void {
  const { bytes } = session.relay.blocks.scratch
  const { protocols } = detection
  const protocol = (isFinal ? detectAtEnd : detect)(bytes, 0, byteCount, protocols)
  const key = protocol === UNDECIDED ? MORE : keyOf(bytes, byteCount, detection, protocol)
  if (key === MORE && !isFinal) peekLater(session, detection)
  else settle(session, protocol, typeof key === 'string' ? key : '')
}

function keyOf(bytes: Uint8Array, byteCount: number, { keys }: Detection, protocol: number): ClientKey {
  for (const key of keys)
    if (KEY_SOURCES[key].protocol === protocol) return KEY_SOURCES[key].read(bytes, 0, byteCount)
  return ''
}

/** Uses a timer instead of the poller: a level-triggered one would report the peeked bytes forever. */
function peekLater(session: Session, detection: Detection): void {
  const { nowMs } = session.relay.loop
  session.setTimer(Math.min(nowMs + session.pollMs, deadlineOf(session, detection)))
  session.pollMs = Math.min(session.pollMs * 2, PEEK_RETRY_MAX_MS)
}

/** The protocol and the key are as known as they will ever be. */
function settle(session: Session, protocol: number, key: string): void {
  const { trace } = session.relay
  session.protocol = protocol
  session.clientKey = key
  if (trace.isOn) trace.say(`session ${session.id}: protocol ${PROTOCOL_NAMES[protocol] ?? 'unknown'}`)
  session.advance()
}
