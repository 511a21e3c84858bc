/** Parser of the TLS ClientHello, for routing by server name without terminating TLS. */

/** The first message of a TLS client (RFC 8446, section 4.1.2). Texts are untrusted, with one character per byte. */
export interface ClientHello {
  /** Server name indication (SNI, RFC 6066, 3). */
  readonly serverName: string | undefined
  /** Application protocols, the preferred one first (RFC 7301). */
  readonly alpn: readonly string[]
  /** Supported versions: 0x0304 is TLS 1.3. May contain reserved values (GREASE, RFC 8701). */
  readonly versions: readonly number[]
}

export type HelloReading =
  | { readonly kind: 'hello'; readonly hello: ClientHello }
  /** Incomplete but valid so far; at least this many bytes, counted from the start, are needed to continue. */
  | { readonly kind: 'need-more'; readonly bytesMin: number }
  /** TLS that is malformed or unsupported here; the remote may still be able to parse it. */
  | { readonly kind: 'unreadable'; readonly why: string }
  /** No server would parse this as TLS. */
  | { readonly kind: 'not-tls' }

const NOT_TLS: HelloReading = { kind: 'not-tls' }

const RECORD_HEAD_BYTES = 5
const RECORD_BODY_BYTES_MAX = 16_384
const MESSAGE_HEAD_BYTES = 4
/** Two bytes of length, the type and the version. */
const VERSION_2_HEAD_BYTES = 5
const VERSION_2_BODY_BYTES_MIN = 9
const HANDSHAKE = 22
/** Content types of records: change_cipher_spec, alert, handshake, application_data (RFC 8446, section 5.1). */
const CONTENT_FIRST = 20
const CONTENT_LAST = 23
const TLS_MAJOR = 3
const CLIENT_HELLO = 1
const VERSION_BYTES = 2
const RANDOM_BYTES = 32
const SESSION_ID_BYTES_MAX = 32
const HOST_NAME = 0
const HOST_NAME_BYTES_MAX = 255

/** Instead of an offset. */
const MALFORMED = -1
/** The same; no extension begins there. */
const ABSENT = 0
/** Instead of the content of an extension. */
const BROKEN = Symbol('broken')

const NO_ALPN: readonly string[] = []

/** Types of extensions (RFC 8446, section 4.2). */
const SERVER_NAME = 0
const ALPN = 16
const SUPPORTED_VERSIONS = 43

/** The limit of OpenSSL (CLIENT_HELLO_MAX_LENGTH): every vector at its maximum length. */
const BODY_BYTES_MAX = 131_396

/** OpenSSL accepts any number, but each takes time here. The longest ClientHello fits into 9. */
const RECORDS_MAX = 1_024

/** The limit of OpenSSL for consecutive empty records (MAX_EMPTY_RECORDS). */
const EMPTY_RECORDS_MAX = 32

/** Upper bound of the bytes that are read, record headers included. */
export const HELLO_BYTES_MAX = MESSAGE_HEAD_BYTES + BODY_BYTES_MAX + RECORDS_MAX * RECORD_HEAD_BYTES

const TOO_LONG = unreadable('the ClientHello is too long')
const TOO_MANY_RECORDS = unreadable('the ClientHello is split into too many records')
const NO_HELLO = unreadable('the first message is not a ClientHello')
const BROKEN_RECORD = unreadable('a record of the ClientHello is malformed')
const BROKEN_HELLO = unreadable('the ClientHello is malformed')

/**
 * Parses a ClientHello from the first `byteCount` bytes of a client, as OpenSSL does: split into any number of records of
 * any minor version. Validates every length, and ignores bytes beyond `bytesMax`, record headers included. The remote
 * parses the same bytes, so anything that a server could take for TLS must be `unreadable`, never `not-tls`.
 */
export function readClientHello(
  bytes: Uint8Array,
  bytesMax = HELLO_BYTES_MAX,
  byteCount = bytes.length,
): HelloReading {
  const end = endInFirstRecord(bytes, byteCount)
  return end > 0 && end - RECORD_HEAD_BYTES <= bytesMax
    ? readBody(bytes, RECORD_HEAD_BYTES + MESSAGE_HEAD_BYTES, end)
    : readRecords(bytes.subarray(0, byteCount), bytesMax)
}

/**
 * The end of a ClientHello that is whole in the first record, as nearly every one is and which is read in place; 0: it is
 * not.
 */
function endInFirstRecord(bytes: Uint8Array, byteCount: number): number {
  if (byteCount < RECORD_HEAD_BYTES + MESSAGE_HEAD_BYTES) return 0
  if (bytes[0] !== HANDSHAKE || bytes[1] !== TLS_MAJOR || bytes[5] !== CLIENT_HELLO) return 0
  const recordBytes = uint16(bytes, 3)
  const messageBytes = MESSAGE_HEAD_BYTES + (bytes[6] as number) * 65_536 + uint16(bytes, 7)
  const end = RECORD_HEAD_BYTES + messageBytes
  return messageBytes <= recordBytes && recordBytes <= RECORD_BODY_BYTES_MAX && end <= byteCount ? end : 0
}

/** Any first bytes, also those of other protocols. */
function readRecords(peeked: Uint8Array, bytesMax: number): HelloReading {
  const { 0: type = HANDSHAKE, 1: major } = peeked
  if (mayBeVersion2(peeked)) return readVersion2(peeked, bytesMax)
  if (!mayBeRecord(type, major)) return NOT_TLS
  if (type !== HANDSHAKE) return major === undefined ? { kind: 'need-more', bytesMin: 2 } : NO_HELLO
  const message = joinRecords(peeked, bytesMax)
  return message instanceof Uint8Array ? readBody(message, 0, message.length) : message
}

function unreadable(why: string): HelloReading {
  return { kind: 'unreadable', why }
}

/** Some servers ignore the version of a handshake record, so its content type alone makes it one. */
function mayBeRecord(type: number, major: number | undefined): boolean {
  if (type === HANDSHAKE) return true
  return type >= CONTENT_FIRST && type <= CONTENT_LAST && (major === undefined || major === TLS_MAJOR)
}

/** Whether it may be an SSL 2.0 ClientHello that offers newer versions (RFC 5246, appendix E.2). */
function mayBeVersion2({ 0: first = 0, 2: type = CLIENT_HELLO, 3: major = TLS_MAJOR }: Uint8Array): boolean {
  return (first & 0x80) !== 0 && type === CLIENT_HELLO && major === TLS_MAJOR
}

/** Some servers still accept it. It has no extensions, so no server name. */
function readVersion2(peeked: Uint8Array, bytesMax: number): HelloReading {
  const [first = 0, second = 0] = peeked
  const length = (first & 0x7f) * 256 + second
  const wanted = peeked.length < 2 ? VERSION_2_HEAD_BYTES : 2 + length
  if (wanted > bytesMax) return TOO_LONG
  if (peeked.length < wanted) return { kind: 'need-more', bytesMin: wanted }
  // The type, the version, and the lengths of ciphers, session id and challenge, which follow.
  const isWhole =
    length >= VERSION_2_BODY_BYTES_MIN &&
    uint16(peeked, 5) + uint16(peeked, 7) + uint16(peeked, 9) === length - VERSION_2_BODY_BYTES_MIN
  return isWhole
    ? { kind: 'hello', hello: { serverName: undefined, alpn: NO_ALPN, versions: [uint16(peeked, 3)] } }
    : BROKEN_HELLO
}

/** The first handshake message in the records, without its header. */
function joinRecords(peeked: Uint8Array, bytesMax: number): Uint8Array | HelloReading {
  const parts: Uint8Array[] = []
  let length = 0
  let wanted: number | undefined = MESSAGE_HEAD_BYTES
  let emptyCount = 0
  for (let at = 0, records = 1; ; records++) {
    if (records > RECORDS_MAX) return TOO_MANY_RECORDS
    const bodyBytes = recordBytes(peeked, at)
    if (bodyBytes === undefined) return BROKEN_RECORD
    const start = at + RECORD_HEAD_BYTES
    const before = length
    const part = peeked.subarray(start, start + bodyBytes)
    if (part.length > 0) parts.push(part)
    length += part.length
    if (before < MESSAGE_HEAD_BYTES) wanted = messageBytes(parts, length)
    if (wanted === undefined) return NO_HELLO
    if (wanted > Math.min(bytesMax, MESSAGE_HEAD_BYTES + BODY_BYTES_MAX)) return TOO_LONG
    const isWhole = length >= Math.max(wanted, MESSAGE_HEAD_BYTES)
    if (isWhole) return joined(parts, length).subarray(MESSAGE_HEAD_BYTES, wanted)
    emptyCount = bodyBytes === 0 && start <= peeked.length ? emptyCount + 1 : 0
    if (emptyCount > EMPTY_RECORDS_MAX) return BROKEN_RECORD
    at = start + bodyBytes
    if (at < peeked.length) continue
    // Request the rest of this record or of the message; if the record is complete, the next header.
    const next = at > peeked.length ? Math.min(at, start + wanted - before) : at + RECORD_HEAD_BYTES
    const bytesMin = Math.max(peeked.length + 1, next)
    return bytesMin > bytesMax ? TOO_LONG : { kind: 'need-more', bytesMin }
  }
}

/** The body length of the record at `at`, or its lower bound if the header is incomplete; undefined: malformed. */
function recordBytes(peeked: Uint8Array, at: number): number | undefined {
  const {
    [at]: type = HANDSHAKE,
    [at + 1]: major = TLS_MAJOR,
    [at + 3]: high = 0,
    [at + 4]: low = 0,
  } = peeked
  const bodyBytes = high * 256 + low
  const isBroken = type !== HANDSHAKE || major !== TLS_MAJOR || bodyBytes > RECORD_BODY_BYTES_MAX
  return isBroken ? undefined : bodyBytes
}

/** The length of the message with its header, or its lower bound if incomplete; undefined: not a ClientHello. */
function messageBytes(parts: readonly Uint8Array[], length: number): number | undefined {
  // No part is empty, so the header is within the first four parts.
  const [type = CLIENT_HELLO, high = 0, middle = 0, low = 0] = joined(
    parts.slice(0, MESSAGE_HEAD_BYTES),
    length,
  )
  if (type !== CLIENT_HELLO) return undefined
  return MESSAGE_HEAD_BYTES + (length < MESSAGE_HEAD_BYTES ? 0 : high * 65_536 + middle * 256 + low)
}
/** Without a copy if there is only one part. */
function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/**
 * The fields of RFC 8446, section 4.1.2, which must fill the bytes from `start` to `end`. They are read in place: an
 * object for each vector would cost more than everything else.
 */
function readBody(bytes: Uint8Array, start: number, end: number): HelloReading {
  const sessionIdAt = start + VERSION_BYTES + RANDOM_BYTES
  const ciphersAt = vectorEnd(bytes, sessionIdAt, 1, end)
  const compressionsAt = vectorEnd(bytes, ciphersAt, 2, end)
  const extensionsAt = vectorEnd(bytes, compressionsAt, 1, end)
  if (extensionsAt === MALFORMED) return BROKEN_HELLO
  const ciphersBytes = compressionsAt - ciphersAt - 2
  if (ciphersAt - sessionIdAt - 1 > SESSION_ID_BYTES_MAX || extensionsAt - compressionsAt === 1)
    return BROKEN_HELLO
  if (ciphersBytes < 2 || ciphersBytes % 2 !== 0) return BROKEN_HELLO
  if (extensionsAt < end && vectorEnd(bytes, extensionsAt, 2, end) !== end) return BROKEN_HELLO
  const serverName = readServerName(bytes, findExtension(bytes, SERVER_NAME, extensionsAt + 2, end))
  const alpn = readAlpn(bytes, findExtension(bytes, ALPN, extensionsAt + 2, end))
  const versions = readVersions(bytes, findExtension(bytes, SUPPORTED_VERSIONS, extensionsAt + 2, end), start)
  if (serverName === BROKEN || alpn === BROKEN || versions === BROKEN) return BROKEN_HELLO
  return { kind: 'hello', hello: { serverName, alpn, versions } }
}

/** Where the content of an extension begins, with its length; ABSENT, or MALFORMED if that or another extension is. */
function findExtension(bytes: Uint8Array, type: number, start: number, end: number): number {
  let found = ABSENT
  for (let at = start; at < end; ) {
    const next = vectorEnd(bytes, at + 2, 2, end)
    if (next === MALFORMED) return MALFORMED
    if (uint16(bytes, at) === type) {
      // Duplicates are forbidden (RFC 8446, section 4.2): the remote might use the other one.
      if (found !== ABSENT) return MALFORMED
      found = at + 2
    }
    at = next
  }
  return found
}

/** Exactly one host name, as OpenSSL requires. */
function readServerName(bytes: Uint8Array, at: number): string | undefined | typeof BROKEN {
  if (at === ABSENT) return undefined
  if (at === MALFORMED) return BROKEN
  const end = vectorEnd(bytes, at, 2, bytes.length)
  const listAt = at + 2
  const typeAt = listAt + 2
  const nameAt = typeAt + 1
  const isWhole = vectorEnd(bytes, listAt, 2, end) === end && vectorEnd(bytes, nameAt, 2, end) === end
  const nameBytes = end - nameAt - 2
  if (!isWhole || bytes[typeAt] !== HOST_NAME || nameBytes === 0 || nameBytes > HOST_NAME_BYTES_MAX)
    return BROKEN
  const name = text(bytes, nameAt + 2, end)
  return name.includes('\0') ? BROKEN : name
}

/** At least one name, and none that is empty (RFC 7301, section 3.1). */
function readAlpn(bytes: Uint8Array, at: number): readonly string[] | typeof BROKEN {
  if (at === ABSENT) return NO_ALPN
  if (at === MALFORMED) return BROKEN
  const end = vectorEnd(bytes, at, 2, bytes.length)
  const first = at + 4
  if (vectorEnd(bytes, at + 2, 2, end) !== end || first === end) return BROKEN
  const names: string[] = []
  for (let nameAt = first; nameAt < end; ) {
    const next = vectorEnd(bytes, nameAt, 1, end)
    if (next === MALFORMED || next === nameAt + 1) return BROKEN
    names.push(text(bytes, nameAt + 1, next))
    nameAt = next
  }
  return names
}

/** With the extension, the version at `legacyAt` is ignored (RFC 8446, section 4.2.1). */
function readVersions(bytes: Uint8Array, at: number, legacyAt: number): readonly number[] | typeof BROKEN {
  if (at === ABSENT) return [uint16(bytes, legacyAt)]
  if (at === MALFORMED) return BROKEN
  const end = vectorEnd(bytes, at, 2, bytes.length)
  const first = at + 3
  if (vectorEnd(bytes, at + 2, 1, end) !== end || first === end || (end - first) % 2 !== 0) return BROKEN
  const versions: number[] = []
  for (let versionAt = first; versionAt < end; versionAt += 2) versions.push(uint16(bytes, versionAt))
  return versions
}

/**
 * The end of a vector with a length prefix of one or two bytes; MALFORMED if it exceeds `end`, or if the field before it
 * was malformed.
 */
function vectorEnd(bytes: Uint8Array, at: number, lengthBytes: 1 | 2, end: number): number {
  const start = at + lengthBytes
  if (at === MALFORMED || start > end) return MALFORMED
  const last = start + (lengthBytes === 1 ? (bytes[at] as number) : uint16(bytes, at))
  return last > end ? MALFORMED : last
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) * 256 + (bytes[at + 1] as number)
}

/** One character per byte. Made by one call: a text that is made in steps costs as much again when it is compared. */
function text(bytes: Uint8Array, start: number, end: number): string {
  return Reflect.apply(String.fromCharCode, undefined, bytes.subarray(start, end))
}
