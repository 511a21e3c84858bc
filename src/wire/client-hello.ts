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
const HANDSHAKE = 22
/** Content types of records: change_cipher_spec, alert, handshake, application_data (RFC 8446, section 5.1). */
const CONTENT_FIRST = 20
const CONTENT_LAST = 23
const TLS_MAJOR = 3
const CLIENT_HELLO = 1
const RANDOM_BYTES = 32
const SESSION_ID_BYTES_MAX = 32
const HOST_NAME = 0
const HOST_NAME_BYTES_MAX = 255

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
 * Parses a ClientHello from the bytes that were peeked so far, as OpenSSL does: split into any number of records of
 * any minor version. Validates every length, and ignores bytes beyond `bytesMax`, record headers included. The remote
 * parses the same bytes, so anything that a server could take for TLS must be `unreadable`, never `not-tls`.
 */
export function readClientHello(peeked: Uint8Array, bytesMax = HELLO_BYTES_MAX): HelloReading {
  const { 0: type = HANDSHAKE, 1: major } = peeked
  if (mayBeVersion2(peeked)) return readVersion2(peeked, bytesMax)
  if (!mayBeRecord(type, major)) return NOT_TLS
  if (type !== HANDSHAKE) return major === undefined ? { kind: 'need-more', bytesMin: 2 } : NO_HELLO
  const message = joinRecords(peeked, bytesMax)
  if (!(message instanceof Uint8Array)) return message
  const hello = readBody(new Cursor(message))
  return hello === undefined ? BROKEN_HELLO : { kind: 'hello', hello }
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
  const body = new Cursor(peeked.subarray(2, wanted))
  body.skip(1)
  const version = body.number(2)
  const [ciphersBytes, sessionIdBytes, challengeBytes] = [body.number(2), body.number(2), body.number(2)]
  const isWhole = !body.isBroken && ciphersBytes + sessionIdBytes + challengeBytes === body.left
  return isWhole
    ? { kind: 'hello', hello: { serverName: undefined, alpn: [], versions: [version] } }
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

/** The fields of RFC 8446, section 4.1.2; undefined if one is malformed. */
function readBody(body: Cursor): ClientHello | undefined {
  const legacyVersion = body.number(2)
  body.skip(RANDOM_BYTES)
  const sessionId = body.vector(1)
  const ciphers = body.vector(2)
  const compressions = body.vector(1)
  if (sessionId.left > SESSION_ID_BYTES_MAX || ciphers.left < 2 || ciphers.left % 2 !== 0) return undefined
  if (compressions.left === 0 || body.isBroken) return undefined
  const extensions = body.left === 0 ? new Map<number, Cursor>() : readExtensions(body)
  if (extensions === undefined) return undefined
  const serverName = readServerName(extensions.get(SERVER_NAME))
  const alpn = readAlpn(extensions.get(ALPN))
  const versions = readVersions(extensions.get(SUPPORTED_VERSIONS), legacyVersion)
  if (serverName === BROKEN || alpn === BROKEN || versions === BROKEN) return undefined
  return { serverName, alpn, versions }
}

/** The extensions that are parsed here, by type. */
function readExtensions(body: Cursor): ReadonlyMap<number, Cursor> | undefined {
  const list = body.vector(2)
  if (body.isBroken || body.left > 0) return undefined
  const extensions = new Map<number, Cursor>()
  while (list.left > 0) {
    const type = list.number(2)
    const content = list.vector(2)
    // Duplicates are forbidden (RFC 8446, section 4.2): the remote might use the other one.
    if (list.isBroken || extensions.has(type)) return undefined
    if (type === SERVER_NAME || type === ALPN || type === SUPPORTED_VERSIONS) extensions.set(type, content)
  }
  return extensions
}

const BROKEN = Symbol('broken')

/** Exactly one host name, as OpenSSL requires. */
function readServerName(content: Cursor | undefined): string | undefined | typeof BROKEN {
  if (content === undefined) return undefined
  const list = content.vector(2)
  const type = list.number(1)
  const name = list.vector(2)
  const isWhole = !list.isBroken && list.left === 0 && content.left === 0 && !content.isBroken
  if (!isWhole || type !== HOST_NAME || name.left === 0 || name.left > HOST_NAME_BYTES_MAX) return BROKEN
  const text = name.text()
  return text.includes('\0') ? BROKEN : text
}

/** At least one name, and none that is empty (RFC 7301, section 3.1). */
function readAlpn(content: Cursor | undefined): readonly string[] | typeof BROKEN {
  const names: string[] = []
  if (content === undefined) return names
  const list = content.vector(2)
  if (content.isBroken || content.left > 0 || list.left === 0) return BROKEN
  while (list.left > 0) {
    const name = list.vector(1)
    if (list.isBroken || name.left === 0) return BROKEN
    names.push(name.text())
  }
  return names
}

/** With the extension, the version in the body is ignored (RFC 8446, section 4.2.1). */
function readVersions(content: Cursor | undefined, legacyVersion: number): readonly number[] | typeof BROKEN {
  if (content === undefined) return [legacyVersion]
  const list = content.vector(1)
  if (content.isBroken || content.left > 0 || list.left === 0 || list.left % 2 !== 0) return BROKEN
  const versions: number[] = []
  while (list.left > 0) versions.push(list.number(2))
  return versions
}

/**
 * Reads bytes in order, in place: a view for each field would cost more than everything else. Reading beyond the end sets
 * `isBroken`, after which all reads return nothing.
 */
class Cursor {
  isBroken = false
  readonly #bytes: Uint8Array
  readonly #end: number
  #at: number

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get left(): number {
    return this.#end - this.#at
  }

  skip(byteCount: number): void {
    this.#take(byteCount)
  }

  /** A number of one or two bytes. */
  number(byteCount: 1 | 2): number {
    const at = this.#take(byteCount)
    if (this.isBroken) return 0
    const first = this.#bytes[at] as number
    return byteCount === 1 ? first : first * 256 + (this.#bytes[at + 1] as number)
  }

  /** The content of a vector with a length prefix of one or two bytes. */
  vector(lengthBytes: 1 | 2): Cursor {
    const start = this.#take(this.number(lengthBytes))
    return new Cursor(this.#bytes, start, this.#at)
  }

  /** The rest, one character per byte. */
  text(): string {
    let text = ''
    while (this.left > 0) text += String.fromCharCode(this.number(1))
    return text
  }

  /** Where the bytes begin; `#at` is their end. */
  #take(byteCount: number): number {
    if (byteCount > this.left) {
      this.isBroken = true
      this.#at = this.#end
    }
    const start = this.#at
    if (!this.isBroken) this.#at += byteCount
    return start
  }
}
