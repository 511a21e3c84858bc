/** The protocol inside TLS by its ALPN name, since encrypted bytes cannot be peeked at. */
import { NO_PROTOCOL } from './detect.js'
import { PROTOCOL } from './protocol-names.js'

/** Names registered with IANA (TLS Application-Layer Protocol Negotiation Protocol IDs). */
const PROTOCOL_OF: ReadonlyMap<string, number> = new Map([
  ['h2', PROTOCOL.http2],
  ['http/1.1', PROTOCOL.http],
  ['http/1.0', PROTOCOL.http],
  ['postgresql', PROTOCOL.postgres],
  ['mqtt', PROTOCOL.mqtt],
  ['dot', PROTOCOL.dns],
])

/** The number of the protocol among those in `mask`, or NO_PROTOCOL. `name`: undefined if none was negotiated. */
export function alpnProtocol(name: string | undefined, mask: number): number {
  return onlyIn(mask, name === undefined ? NO_PROTOCOL : (PROTOCOL_OF.get(name) ?? NO_PROTOCOL))
}

/** A protocol that is known otherwise, if it is in `mask`; else `any`, if that is; else NO_PROTOCOL. */
export function onlyIn(mask: number, protocol: number): number {
  if (protocol !== NO_PROTOCOL && (mask & (1 << protocol)) !== 0) return protocol
  return (mask & (1 << PROTOCOL.any)) !== 0 ? PROTOCOL.any : NO_PROTOCOL
}
