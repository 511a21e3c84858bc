/** What a TLS client says first (RFC 8446, section 4.1.2). Texts hold one character per byte, from a stranger. */
export interface ClientHello {
  /** Whom it looks for (SNI, RFC 6066). */
  readonly serverName: string | undefined
  /** Application protocols, the preferred one first (RFC 7301). */
  readonly alpn: readonly string[]
  /** Versions it can speak, as numbers: 0x0304 is TLS 1.3. Some clients mix in ones that do not exist. */
  readonly versions: readonly number[]
}

export type HelloReading =
  | { readonly kind: 'hello'; readonly hello: ClientHello }
  /** Nothing speaks against it; to know more, this many bytes are needed from the beginning. */
  | { readonly kind: 'need-more'; readonly bytesMin: number }
  /** Longer than the caller's limit. */
  | { readonly kind: 'too-long' }
  /** Something else, or a broken hello. */
  | { readonly kind: 'not-tls' }

const NOT_TLS: HelloReading = { kind: 'not-tls' }
const TOO_LONG: HelloReading = { kind: 'too-long' }

const RECORD_HEAD_BYTES = 5
const RECORD_BODY_BYTES_MAX = 16_384
const MESSAGE_HEAD_BYTES = 4
const HANDSHAKE = 22
const CLIENT_HELLO = 1
const RANDOM_BYTES = 32
const SESSION_ID_BYTES_MAX = 32
const HOST_NAME = 0
const HOST_NAME_BYTES_MAX = 255

const SERVER_NAME = 0
const ALPN = 16
const SUPPORTED_VERSIONS = 43

/** Large ones carry keys that withstand quantum computers, some 2 KB. */
const HELLO_BYTES_MAX = 16_384

/**
 * Reads a ClientHello from what the client has sent so far, in however many records. Takes nothing, trusts no
 * length, and looks at no byte beyond `bytesMax`, record heads included.
 */
export function readClientHello(peeked: Uint8Array, bytesMax = HELLO_BYTES_MAX): HelloReading {
  const message = joinRecords(peeked, bytesMax)
  if (!(message instanceof Uint8Array)) return message
  const hello = readBody(new Cursor(message))
  return hello === undefined ? NOT_TLS : { kind: 'hello', hello }
}

/** The body of the handshake message that the records begin with. */
function joinRecords(peeked: Uint8Array, bytesMax: number): Uint8Array | HelloReading {
  let message: Uint8Array = new Uint8Array(0)
  for (let at = 0; ; ) {
    const bodyBytes = recordBytes(peeked, at)
    if (bodyBytes === undefined) return NOT_TLS
    const start = at + RECORD_HEAD_BYTES
    const before = message.length
    message = joined(message, peeked.subarray(start, start + bodyBytes))
    const [type = CLIENT_HELLO, high = 0, middle = 0, low = 0] = message
    if (type !== CLIENT_HELLO) return NOT_TLS
    const isHeadThere = message.length >= MESSAGE_HEAD_BYTES
    const wanted = MESSAGE_HEAD_BYTES + (isHeadThere ? high * 65_536 + middle * 256 + low : 0)
    if (wanted > bytesMax) return TOO_LONG
    if (isHeadThere && message.length >= wanted) return message.subarray(MESSAGE_HEAD_BYTES, wanted)
    at = start + bodyBytes
    if (at < peeked.length) continue
    // Up to the end of this record, or of the message; when the record has ended, into the next one.
    const next = at > peeked.length ? Math.min(at, start + wanted - before) : at + RECORD_HEAD_BYTES + 1
    const bytesMin = Math.max(peeked.length + 1, next)
    return bytesMin > bytesMax ? TOO_LONG : { kind: 'need-more', bytesMin }
  }
}

/**
 * The length of what follows the head of the record at `at`, or the least that it can be; undefined: this is no
 * record of a handshake.
 */
function recordBytes(peeked: Uint8Array, at: number): number | undefined {
  const [type = HANDSHAKE, major = 3, minor = 0, high, low] = peeked.subarray(at, at + RECORD_HEAD_BYTES)
  if (type !== HANDSHAKE || major !== 3 || minor > 4) return undefined
  const bodyBytes = low === undefined ? Math.max(1, (high ?? 0) * 256) : (high ?? 0) * 256 + low
  return bodyBytes === 0 || bodyBytes > RECORD_BODY_BYTES_MAX ? undefined : bodyBytes
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (one.length === 0) return other
  const both = new Uint8Array(one.length + other.length)
  both.set(one)
  both.set(other, one.length)
  return both
}

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

/** The extensions that are looked into. */
function readExtensions(body: Cursor): ReadonlyMap<number, Cursor> | undefined {
  const list = body.vector(2)
  if (body.isBroken || body.left > 0) return undefined
  const extensions = new Map<number, Cursor>()
  while (list.left > 0) {
    const type = list.number(2)
    const content = list.vector(2)
    // Two that could be understood differently are worse than none (RFC 8446, section 4.2).
    if (list.isBroken || extensions.has(type)) return undefined
    if (type === SERVER_NAME || type === ALPN || type === SUPPORTED_VERSIONS) extensions.set(type, content)
  }
  return extensions
}

const BROKEN = Symbol('broken')

/** One name of a host and nothing else, as OpenSSL takes it. */
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

function readVersions(content: Cursor | undefined, legacyVersion: number): readonly number[] | typeof BROKEN {
  if (content === undefined) return [legacyVersion]
  const list = content.vector(1)
  if (content.isBroken || content.left > 0 || list.left === 0 || list.left % 2 !== 0) return BROKEN
  const versions: number[] = []
  while (list.left > 0) versions.push(list.number(2))
  return versions
}

/** Reads bytes in their order; once it was asked for more than there is, it is broken and answers nothing. */
class Cursor {
  isBroken = false
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  skip(byteCount: number): void {
    this.#take(byteCount)
  }

  /** A number of one or two bytes. */
  number(byteCount: 1 | 2): number {
    const [first = 0, second = 0] = this.#take(byteCount)
    return byteCount === 1 ? first : first * 256 + second
  }

  /** What follows a length of one or two bytes. */
  vector(lengthBytes: 1 | 2): Cursor {
    return new Cursor(this.#take(this.number(lengthBytes)))
  }

  /** All that is left, one character per byte. */
  text(): string {
    return String.fromCharCode(...this.#take(this.left))
  }

  #take(byteCount: number): Uint8Array {
    if (byteCount > this.left) {
      this.isBroken = true
      this.#at = this.#bytes.length
    }
    const taken = this.#bytes.subarray(this.#at, this.isBroken ? this.#at : this.#at + byteCount)
    this.#at += taken.length
    return taken
  }
}
