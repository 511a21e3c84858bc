/**
 * The phase `starttls`: the plain opening with a client, until it requests TLS; the handshake is the next phase. Plain input is
 * never forwarded to a remote.
 */
import { EAGAIN, ECONNRESET, EINTR } from '../../kernel/errno.js'
import { READABLE } from '../../reactor/poller.js'
import { OPENING_BYTES_MAX, type PlainOpening } from '../../wire/starttls/server/plain-opening.js'
import { plainOpeningOf } from '../../wire/starttls/server/plain-opening-of.js'
import type { ListenerStarttlsPlan } from '../context.js'
import type { OpeningHandler } from '../phase-handler.js'
import type { Session } from '../session.js'
import { closeInOrder } from './close-in-order.js'

export const STARTTLS: OpeningHandler = {
  isNeeded: ({ listenerSlot, relay }) => relay.listeners[listenerSlot]?.starttls !== undefined,
  begin,
  onReady: clientReady,
  onTimer: timedOut,
  onTurn: receive,
}

function begin(session: Session): void {
  const { protocol, serverName } = planOf(session)
  const opening = plainOpeningOf(protocol, serverName, session.id)
  session.plainOpening = opening
  session.setTimer(session.acceptedAtMs + timeoutOf(session))
  if (send(session, opening.greeting)) receive(session)
}

function clientReady(session: Session): void {
  if (session.client.error !== 0) session.fail('client-left', session.client.error)
  else receive(session)
}

function planOf({ listenerSlot, relay }: Session): ListenerStarttlsPlan {
  const plan = relay.listeners[listenerSlot]?.starttls
  if (plan === undefined) throw new Error('a listener without STARTTLS opens no protocol')
  return plan
}

function openingOf({ plainOpening }: Session): PlainOpening {
  if (plainOpening === undefined) throw new Error('a session that is not in the phase `starttls`')
  return plainOpening
}

/** That of the handshake, which ends at the same time. */
function timeoutOf({ listenerSlot, relay }: Session): number {
  return relay.tls.greetings[listenerSlot]?.timeoutMs ?? Number.POSITIVE_INFINITY
}

function timedOut(session: Session): void {
  refuse(session, `the client did not ask for TLS within ${timeoutOf(session) / 1_000} s`)
}

/** Peeks, because TLS may begin without a request, and OpenSSL reads from the socket. */
function receive(session: Session): void {
  const { blocks, system } = session.relay
  const { client } = session
  const seen = system.calls.peek(client.fd, blocks.scratch, 0, OPENING_BYTES_MAX)
  if (seen === -EINTR) session.runLater(session.toRemote)
  else if (seen === -EAGAIN) session.again(client, READABLE)
  else if (seen < 0) session.fail('client-left', -seen)
  else if (seen === 0) session.close('client-left')
  else answer(session, seen)
}

/** The client's bytes are in the scratch block. */
function answer(session: Session, byteCount: number): void {
  const { next, reply, taken, why } = openingOf(session).take(session.relay.blocks.scratch.bytes, byteCount)
  if (!drop(session, taken) || !send(session, reply)) return
  switch (next) {
    case 'go-on':
      session.runLater(session.toRemote)
      return
    case 'tls':
      session.plainOpening = undefined
      session.advance()
      return
    case 'leave':
      closeInOrder(session, 'client-left')
      return
    case 'refuse':
      refuse(session, why)
  }
}

/** Receives bytes that were peeked at; false if that ends the session. */
function drop(session: Session, byteCount: number): boolean {
  const { blocks, system } = session.relay
  if (byteCount === 0) return true
  let got: number
  do got = system.calls.recv(session.client.fd, blocks.scratch, 0, byteCount)
  while (got === -EINTR)
  if (got === byteCount) return true
  session.fail('client-left', got < 0 ? -got : ECONNRESET)
  return false
}

/** False if that ends the session. The socket buffer has room for all replies of an opening, unless the client does not read. */
function send(session: Session, reply: string): boolean {
  const { blocks, system } = session.relay
  const { scratch } = blocks
  const { length } = reply
  if (length === 0) return true
  for (let i = 0; i < length; i++) scratch.bytes[i] = reply.charCodeAt(i)
  let took: number
  do took = system.calls.send(session.client.fd, scratch, 0, length)
  while (took === -EINTR)
  if (took === length) return true
  if (took >= 0 || took === -EAGAIN) refuse(session, 'the client does not read what it is sent')
  else session.fail('client-left', -took)
  return false
}

function refuse(session: Session, why: string): void {
  const { listeners, loop, warnings } = session.relay
  const { name = '' } = listeners[session.listenerSlot] ?? {}
  session.client.noteCause(why)
  warnings.reportWithoutTls(loop.nowMs, session.client, name, why)
  closeInOrder(session, 'starttls')
}
