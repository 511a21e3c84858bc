/**
 * The messages between a master and its children, byte-compatible with the original, so that either side can be the
 * original program. One datagram each, little-endian, without a version; docs/operations.md has a table of them.
 * Start reading this folder here; each file is the codec of one protocol.
 */

/** Message types: the first word of a message. */
export const DONE = 0
export const KEEPALIVE = 1
export const MAY_DIE = 2
export const DYING = 3
export const BAD_CFG = 4
export const MAX = 5
export const ACCEPT = 6
export const UDPDATA = 7

export const SMALL_BYTES = 8
export const ACCEPT_BYTES = 40
/** Header length of UDPDATA; the datagram follows. */
export const UDPDATA_BYTES = 40
/** Maximum length of a datagram in UDPDATA, the receive size of the original: longer datagrams are truncated. */
export const DATAGRAM_BYTES_MAX = 4096

/** Bits of `flags` in ACCEPT. */
export const FLAG_HAPROXY = 1
export const FLAG_ACCOUNTING = 2
export const FLAG_TLS_PSK = 4
export const FLAG_TLS_AUTO = 8

export const REALM_BYTES_MAX = 15

/** The content of ACCEPT and UDPDATA. The descriptor is passed with the message (SCM_RIGHTS). */
export interface AcceptMessage {
  /** Allowed versions of TLS or DTLS: the low bytes of their numbers, one per byte of this word; 0: none. */
  readonly tlsVersions: number
  /** A number of the sender's build; 0 when unset. Unused by relays. */
  readonly aaaProtocol: number
  readonly flags: number
  readonly realm: string
  /**
   * The listener's slot plus one, if both sides are this program. The original master sends uninitialised memory
   * here, so a child without a link must ignore it.
   */
  readonly listenerMark: number
  /** IPPROTO_TCP or IPPROTO_SCTP; not part of UDPDATA. */
  readonly protocol: number
}

/** Writes a message without a descriptor into `into` at `offset`. */
export function encodeSmall(into: Uint8Array, offset: number, type: number, count: number): void {
  const view = new DataView(into.buffer, into.byteOffset + offset, SMALL_BYTES)
  view.setUint32(0, type, true)
  view.setInt32(4, count, true)
}

/** Writes an ACCEPT into `into` at `offset`. Truncates a realm that is too long, as the original does. */
export function encodeAccept(into: Uint8Array, offset: number, message: AcceptMessage): void {
  const view = encodeFront(into, offset, ACCEPT, message)
  view.setUint32(32, message.listenerMark, true)
  view.setUint32(36, message.protocol, true)
}

/**
 * Writes an UDPDATA with a datagram of at most DATAGRAM_BYTES_MAX bytes into `into` at `offset`, and returns its
 * length. A socket that is connected to the client must be passed with it.
 */
export function encodeUdpData(
  into: Uint8Array,
  offset: number,
  message: AcceptMessage,
  datagram: Uint8Array,
): number {
  const view = encodeFront(into, offset, UDPDATA, message)
  view.setInt16(32, datagram.length, true)
  // Padding of the struct, which the original leaves uninitialised.
  into.fill(0, offset + 34, offset + UDPDATA_BYTES)
  into.set(datagram, offset + UDPDATA_BYTES)
  return UDPDATA_BYTES + datagram.length
}

/** The first 32 bytes, which ACCEPT and UDPDATA have in common. */
function encodeFront(into: Uint8Array, offset: number, type: number, message: AcceptMessage): DataView {
  const view = new DataView(into.buffer, into.byteOffset + offset, ACCEPT_BYTES)
  view.setUint32(0, type, true)
  view.setUint32(4, message.tlsVersions, true)
  view.setUint32(8, message.aaaProtocol, true)
  view.setUint32(12, message.flags, true)
  const realm = into.subarray(offset + 16, offset + 32)
  realm.fill(0)
  new TextEncoder().encodeInto(message.realm, realm.subarray(0, REALM_BYTES_MAX))
  return view
}

/** The type of a message of `byteCount` bytes; undefined if it is too short for any message or for its type. */
export function messageType(bytes: Uint8Array, offset: number, byteCount: number): number | undefined {
  if (byteCount < SMALL_BYTES) return undefined
  const type = new DataView(bytes.buffer, bytes.byteOffset + offset, SMALL_BYTES).getUint32(0, true)
  return type === ACCEPT && byteCount < ACCEPT_BYTES ? undefined : type
}

/** The second word of a small message. */
export function messageCount(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + offset, SMALL_BYTES).getInt32(4, true)
}

/** Reads an ACCEPT, after `messageType` has checked its type and length. */
export function decodeAccept(bytes: Uint8Array, offset: number): AcceptMessage {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, ACCEPT_BYTES)
  const realm = bytes.subarray(offset + 16, offset + 32)
  const end = realm.indexOf(0)
  return {
    tlsVersions: view.getUint32(4, true),
    aaaProtocol: view.getUint32(8, true),
    flags: view.getUint32(12, true),
    realm: new TextDecoder().decode(end < 0 ? realm : realm.subarray(0, end)),
    listenerMark: view.getUint32(32, true),
    protocol: view.getUint32(36, true),
  }
}
