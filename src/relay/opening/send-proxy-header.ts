/**
 * The header of the PROXY protocol to a remote. It is composed for each attempt, before what the client has sent, so that both
 * leave in one segment; it is no part of the client's bytes, which are counted.
 */
import type { ProxyTlv } from '../../base/proxy-tlvs.js'
import { clientServerName } from '../../base/server-name.js'
import type { Outcome } from '../../kernel/calls.js'
import { EAGAIN, EINTR } from '../../kernel/errno.js'
import type { TlsFacts } from '../../tls/channel-facts.js'
import type { ProxyTls } from '../../wire/proxy/proxy-facts.js'
import { writeProxyHeader } from '../../wire/proxy/write-header.js'
import type { SendProxy } from '../remote-options.js'
import type { Session } from '../session.js'
import { BLOCK_BYTES } from '../transfer/blocks.js'
import { readClientEnds } from './client-ends.js'
import { countSent } from './early-bytes.js'
import { hasOpening } from './remote-greeting.js'
import { targetOf } from './target-address.js'

/**
 * Sends the header on a connected socket, or the rest of it, if the remote expects one: 0 if that is done, -EAGAIN while the
 * socket is full, or another negated errno. Call again when it is writable.
 */
export function sendProxyHeader(session: Session): Outcome {
  const { dialling, relay, remote, toRemote } = session
  const { sendProxy } = targetOf(session).options
  // After an error only what the remote has sent before it is of interest.
  if (sendProxy === undefined || remote.error !== 0) return 0
  if (!dialling.isHeaderSent) {
    const took = sendHeaderAnd(session, sendProxy)
    if (took < 0) return took
    if (took > 0) countSent(session, took)
  }
  // The client's first bytes are a second send otherwise, which would wait until the header is acknowledged.
  if (toRemote.bytes === 0) remote.neverDelay(relay.system.calls)
  return 0
}

/**
 * Sends the header, and unless TLS or a greeting follows the held bytes, from where the last call stopped. Returns how many of the held
 * bytes were taken, which stay held, or a negated errno: -EAGAIN if the header is not complete.
 */
export function sendHeaderAnd(session: Session, { tlvs, version }: SendProxy): Outcome {
  const { dialling, relay, remote } = session
  const { blocks, proxyFacts, system } = relay
  readFacts(session, tlvs)
  const { scratch } = blocks
  const headerBytes = writeProxyHeader(scratch.bytes, proxyFacts, version, tlvs)
  const endsAt = headerBytes + (hasOpening(session) ? 0 : appendHeld(session, headerBytes))
  const from = dialling.headerBytesSent
  let took: Outcome
  do took = system.calls.send(remote.fd, scratch, from, endsAt - from)
  while (took === -EINTR)
  if (took < 0) return took
  dialling.headerBytesSent = Math.min(from + took, headerBytes)
  dialling.isHeaderSent = dialling.headerBytesSent === headerBytes
  // A short send: the socket is full.
  return dialling.isHeaderSent ? from + took - headerBytes : -EAGAIN
}

/** Copies held bytes behind the header, as many as the scratch block has room for; returns their number. */
function appendHeld({ relay, toRemote }: Session, at: number): number {
  const { held, heldBytes, heldOffset } = toRemote
  if (held === undefined) return 0
  const byteCount = Math.min(heldBytes, BLOCK_BYTES - at)
  relay.blocks.scratch.bytes.set(held.bytes.subarray(heldOffset, heldOffset + byteCount), at)
  return byteCount
}

function readFacts(session: Session, tlvs: SendProxy['tlvs']): void {
  const { client, relay } = session
  const { proxyFacts } = relay
  readClientEnds(session, proxyFacts)
  if (tlvs.length === 0) return
  const { hello } = client
  const tls = tlvs.some(isOfTls) ? (client.tlsFacts ?? client.tls?.facts()) : undefined
  proxyFacts.uniqueId = session.id
  proxyFacts.serverName = clientServerName(hello?.serverName ?? tls?.serverName)
  // Of TLS that is passed through only the offer of the client is known.
  proxyFacts.alpn = tls?.alpn ?? ''
  proxyFacts.tls = tls && proxyTls(tls)
}

function isOfTls(tlv: ProxyTlv): boolean {
  return tlv === 'authority' || tlv === 'alpn' || tlv === 'ssl'
}

function proxyTls({ cipher, isResumed, peer, version }: TlsFacts): ProxyTls {
  return { version, cipher, commonName: peer?.commonName, isResumed }
}
