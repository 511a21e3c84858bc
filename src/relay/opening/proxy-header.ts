/**
 * The phase `proxy-header`: reads the PROXY protocol header, which names the client, before anything else. The header is
 * peeked at and then received exactly, so the phases that follow find the client's first byte in the socket.
 */
import { AF_INET, AF_INET6, AF_UNIX } from '../../kernel/constants.js'
import { EAGAIN, ECONNRESET, EINTR, ENOTCONN } from '../../kernel/errno.js'
import { IPV4_AT, IPV6_AT } from '../../kernel/sockaddr.js'
import { READABLE } from '../../reactor/poller.js'
import { MALFORMED, NO_HEADER, ProxyHeader, UNDECIDED } from '../../wire/proxy/header.js'
import { HEADER_BYTES_MAX, readProxyHeader } from '../../wire/proxy/read-header.js'
import { describePeer } from '../peer-name.js'
import type { OpeningHandler } from '../phase-handler.js'
import type { Session } from '../session.js'
import { reject, ruledClient } from './admitting.js'
import { closeInOrder } from './close-in-order.js'

/** As for a partial ClientHello (`greeting.ts`): no poller reports bytes again that were only peeked at. */
const PEEK_RETRY_FIRST_MS = 1
const PEEK_RETRY_MAX_MS = 250

/** The rule that rejects peers whose headers would not be used. */
export const OUTSIDE_PROXY_FROM = 'proxy-from'

/** One record for all clients of a reactor: valid until the next reading. */
const HEADER = new ProxyHeader()

/** A socket address in the header, as the kernel would store it. */
const ADDRESS = new Uint8Array(28)

export const PROXY_HEADER: OpeningHandler = {
  isNeeded: ({ listenerSlot, relay }) => relay.proxyPeers.has(listenerSlot),
  begin: expectHeader,
  onReady: headerReady,
  onTimer: peek,
  onTurn: peek,
}

function expectHeader(session: Session): void {
  const { listenerSlot, peer, relay } = session
  switch (relay.proxyPeers.expects(listenerSlot, peer)) {
    case 'header':
      session.hasProxyHeader = true
      session.pollMs = PEEK_RETRY_FIRST_MS
      peek(session)
      return
    case 'nothing':
      session.advance()
      return
    case 'stranger':
      // The process that accepted the peer has rejected strangers; this is the decision about headers that counts.
      reject(session, { reason: 'rejected', rule: OUTSIDE_PROXY_FROM })
  }
}

function headerReady(session: Session): void {
  if (session.client.error !== 0) disconnected(session)
  else peek(session)
}

function deadlineOf({ acceptedAtMs, listenerSlot, relay }: Session): number {
  return acceptedAtMs + relay.proxyPeers.planOf(listenerSlot).timeoutMs
}

function peek(session: Session): void {
  const { blocks, loop, system } = session.relay
  const { client } = session
  const isLate = loop.nowMs >= deadlineOf(session)
  const seen = system.calls.peek(client.fd, blocks.scratch, 0, HEADER_BYTES_MAX)
  if (seen === -EINTR) session.runLater(session.toRemote)
  else if (seen === -EAGAIN && !isLate) awaitBytes(session)
  else if (seen === -EAGAIN) withoutHeader(session, 'timed out')
  else if (seen < 0) {
    client.fail(-seen)
    disconnected(session)
  } else if (seen === 0) closedEarly(session)
  else onBytes(session, seen, isLate)
}

/** Most headers have arrived when their connection is accepted, and need no timer. */
function awaitBytes(session: Session): void {
  session.setTimer(deadlineOf(session))
  session.again(session.client, READABLE)
}

/** The first bytes are in the scratch block. */
function onBytes(session: Session, byteCount: number, isLate: boolean): void {
  const { blocks, peers } = session.relay
  const { bytes } = blocks.scratch
  const isFinal = isLate || session.client.hasPeerEnded
  // Its address could not be read any more (`findPeer`), so it is not known whether its header counts.
  if (peers.familyAt(session.record) === 0) session.fail('client-left', ENOTCONN)
  else {
    const length = readProxyHeader(bytes, byteCount, HEADER)
    if (length > 0) take(session, length)
    else if (length === MALFORMED) refuse(session, `is malformed: ${HEADER.problem}`)
    else if (length === NO_HEADER || (length === UNDECIDED && isFinal)) withoutHeader(session, 'is missing')
    else if (isFinal) refuse(session, isLate ? 'timed out' : 'is incomplete')
    else peekLater(session)
  }
}

/** Uses a timer instead of the poller: a level-triggered one would report the peeked bytes forever. */
function peekLater(session: Session): void {
  session.setTimer(Math.min(session.relay.loop.nowMs + session.pollMs, deadlineOf(session)))
  session.pollMs = Math.min(session.pollMs * 2, PEEK_RETRY_MAX_MS)
}

/** Receives the header, which was peeked at, and nothing behind it. */
function take(session: Session, byteCount: number): void {
  const { blocks, system } = session.relay
  const got = system.calls.recv(session.client.fd, blocks.scratch, 0, byteCount)
  if (got === byteCount) applyHeader(session)
  else if (got === -EINTR) session.runLater(session.toRemote)
  else session.fail('client-left', got < 0 ? -got : ECONNRESET)
}

function applyHeader(session: Session): void {
  if (HEADER.source === 'peer') admitPeer(session)
  else {
    noteClient(session)
    admit(session)
  }
}

/** The peer is its own client. Access rules about a Unix peer were applied when it was accepted. */
function admitPeer(session: Session): void {
  if (session.peer[0] === AF_UNIX) session.advance()
  else admit(session)
}

/** Takes over what the header says. */
function noteClient(session: Session): void {
  const { destinations, options, peers, trace } = session.relay
  if (options.hasAccessLog) session.via = describePeer(session.peer)
  // A header does not say which Unix socket the client has connected to, or it is of no use elsewhere.
  session.hasDestination = HEADER.source !== 'unix'
  if (session.hasDestination) {
    writeAddress(HEADER.destination, HEADER.destinationPort)
    destinations.note(session.record, ADDRESS, false)
  }
  writeAddress(HEADER.host, HEADER.port)
  peers.note(session.record, ADDRESS, false)
  session.isNamed = true
  session.tlvs = HEADER.tlvs
  if (trace.isOn) trace.say(`session ${session.id}: client ${describePeer(ADDRESS)} by its PROXY header`)
}

/** Access rules about the client. */
function admit(session: Session): void {
  const refusal = session.relay.clientRules?.againstSender(ruledClient(session))
  if (refusal === undefined) session.advance()
  else reject(session, refusal)
}

/** Writes ADDRESS as struct sockaddr_in or sockaddr_in6; of a Unix socket only the family. */
function writeAddress(host: Uint8Array, port: number): void {
  const { source } = HEADER
  const isIpv4 = source === 'ipv4'
  const at = isIpv4 ? IPV4_AT : IPV6_AT
  const byteCount = isIpv4 ? 4 : source === 'ipv6' ? 16 : 0
  // A loop: `fill` is a call of a built-in function, and the array is short.
  for (let i = 0; i < ADDRESS.length; i++) ADDRESS[i] = 0
  ADDRESS[0] = isIpv4 ? AF_INET : source === 'ipv6' ? AF_INET6 : AF_UNIX
  ADDRESS[2] = port >> 8
  ADDRESS[3] = port & 0xff
  for (let i = 0; i < byteCount; i++) ADDRESS[at + i] = host[i] as number
}

/** Where a header may be missing, the peer is its own client. */
function withoutHeader(session: Session, why: string): void {
  const { isOptional } = session.relay.proxyPeers.planOf(session.listenerSlot)
  if (isOptional) admitPeer(session)
  else refuse(session, why)
}

/** An end without a byte. Clients without a header may send none, and wait for the server's. */
function closedEarly(session: Session): void {
  const { isOptional } = session.relay.proxyPeers.planOf(session.listenerSlot)
  if (isOptional) withoutHeader(session, '')
  else session.close('proxy-check')
}

/** A connection error. Before the first byte it is how health checks end that do not close in order. */
function disconnected(session: Session): void {
  const { isOptional } = session.relay.proxyPeers.planOf(session.listenerSlot)
  // The interval grows with the first bytes that are peeked at.
  const isSilent = session.pollMs === PEEK_RETRY_FIRST_MS
  if (isSilent && !isOptional) session.close('proxy-check')
  else session.fail('client-left', session.client.error)
}

function refuse(session: Session, why: string): void {
  const { listeners, loop, warnings } = session.relay
  const { name = '' } = listeners[session.listenerSlot] ?? {}
  session.client.noteCause(`PROXY header ${why}`)
  warnings.reportProxyHeader(loop.nowMs, session.client, name, why)
  closeInOrder(session, 'proxy-header')
}
