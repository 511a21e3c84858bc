/** Reader of HTTP/1 responses (RFC 9112), for clients that ask once for each connection. */

export interface HttpResponse {
  readonly kind: 'response'
  readonly status: number
  /** What has come of its content, without the framing of the transfer; up to the limit of the caller. */
  readonly body: Uint8Array
  /** The rest has come, or more than the limit. */
  readonly isWhole: boolean
}

export type ResponseReading =
  | HttpResponse
  /** Valid so far; the header section has no end yet. */
  | { readonly kind: 'need-more' }
  | { readonly kind: 'malformed'; readonly why: string }

export interface ResponseOptions {
  /** The server has closed the connection, which ends a body without a length. */
  readonly hasEnded: boolean
  /** The request was HEAD: the header fields are about a body that does not come. */
  readonly isHead: boolean
  /** Bytes of the body that the caller wants to see. */
  readonly bodyMax: number
}

/** Servers send one or two; each is read again with every chunk that comes. */
const INTERIM_MAX = 16
/** The largest header sections that servers have by default are smaller. */
const HEAD_BYTES_MAX = 65_536
const LF = 0x0a
/** What the grammar allows is ASCII; other bytes become any other characters. */
const decoder = new TextDecoder('latin1')
const STATUS_LINE = /^HTTP\/1\.[01] ([1-9]\d\d)(?: .*)?$/
/** A line cannot begin with a blank: continued lines have been forbidden since RFC 7230. */
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?$/
const NEED_MORE: ResponseReading = { kind: 'need-more' }

/** How the body ends (RFC 9112, 6.3). */
type Framing = { readonly bytes: number } | 'chunked' | 'until-close'

/** Reads the final response at the beginning of `bytes`; interim ones (1xx) before it are skipped. */
export function readResponse(bytes: Uint8Array, options: ResponseOptions): ResponseReading {
  let at = 0
  for (let interim = 0; interim <= INTERIM_MAX; interim++) {
    const head = readHead(bytes, at)
    if ('kind' in head) return head
    at = head.end
    const { fields, status } = head
    // 101 changes the protocol, so nothing of HTTP follows.
    if (status < 200 && status !== 101) continue
    const framing = hasNoBody(status, options.isHead) ? { bytes: 0 } : framingOf(fields)
    if (typeof framing === 'object' && 'kind' in framing) return framing
    return withBody(status, bytes.subarray(at), framing, options)
  }
  return malformed(`more than ${INTERIM_MAX} interim responses`)
}

interface Head {
  readonly status: number
  readonly fields: ReadonlyMap<string, readonly string[]>
  /** Where the body begins. */
  readonly end: number
}

function readHead(bytes: Uint8Array, start: number): Head | ResponseReading {
  const line = lineAt(bytes, start)
  if (line === undefined)
    return isHttpSoFar(bytes, start) ? tooLongOr(bytes, start) : malformed('it is not HTTP/1')
  const [, digits] = STATUS_LINE.exec(line.text) ?? []
  if (digits === undefined)
    return malformed(isHttpSoFar(bytes, start) ? 'bad status line' : 'it is not HTTP/1')
  const fields = new Map<string, string[]>()
  for (let at = line.end; ; ) {
    const next = lineAt(bytes, at)
    if (next === undefined || next.end - start > HEAD_BYTES_MAX) return tooLongOr(bytes, start)
    at = next.end
    if (next.text === '') return { status: Number(digits), fields, end: at }
    const [, name, value = ''] = FIELD.exec(next.text) ?? []
    if (name === undefined) return malformed('bad header line')
    const key = name.toLowerCase()
    fields.set(key, [...(fields.get(key) ?? []), value])
  }
}

function tooLongOr(bytes: Uint8Array, start: number): ResponseReading {
  if (bytes.byteLength - start <= HEAD_BYTES_MAX) return NEED_MORE
  return malformed(`its header is longer than ${HEAD_BYTES_MAX / 1024} KiB`)
}

/** Whether the bytes are or can become the begin of a status line. */
function isHttpSoFar(bytes: Uint8Array, start: number): boolean {
  return 'HTTP/1.'.startsWith(decoder.decode(bytes.subarray(start, start + 'HTTP/1.'.length)))
}

/** A line, without LF or CR LF; one character for each byte. */
function lineAt(
  bytes: Uint8Array,
  start: number,
): { readonly text: string; readonly end: number } | undefined {
  const at = bytes.indexOf(LF, start)
  if (at < 0) return undefined
  const isCrLf = at > start && bytes[at - 1] === 0x0d
  return { text: decoder.decode(bytes.subarray(start, isCrLf ? at - 1 : at)), end: at + 1 }
}

function hasNoBody(status: number, isHead: boolean): boolean {
  return isHead || status === 101 || status === 204 || status === 304
}

function framingOf(fields: Head['fields']): Framing | ResponseReading {
  const codings = fields.get('transfer-encoding')
  if (codings !== undefined) {
    const coding = codings.join().toLowerCase()
    return coding === 'chunked' ? 'chunked' : malformed('a transfer encoding other than chunked')
  }
  const lengths = fields.get('content-length')
  if (lengths === undefined) return 'until-close'
  const [length = ''] = lengths
  const isOne = /^\d{1,15}$/.test(length) && lengths.every((other) => other === length)
  return isOne ? { bytes: Number(length) } : malformed('bad Content-Length')
}

function withBody(
  status: number,
  rest: Uint8Array,
  framing: Framing,
  { bodyMax, hasEnded }: ResponseOptions,
): ResponseReading {
  if (framing === 'chunked') return withChunks(status, rest, bodyMax)
  const length = framing === 'until-close' ? Number.POSITIVE_INFINITY : framing.bytes
  const body = rest.subarray(0, Math.min(length, bodyMax))
  const isEnd = framing === 'until-close' && hasEnded
  return { kind: 'response', status, body, isWhole: isEnd || rest.byteLength >= Math.min(length, bodyMax) }
}

/** The trailer section is not waited for. */
function withChunks(status: number, rest: Uint8Array, bodyMax: number): ResponseReading {
  const chunks: Uint8Array[] = []
  let length = 0
  const made = (isWhole: boolean): HttpResponse => ({
    kind: 'response',
    status,
    body: joined(chunks, Math.min(length, bodyMax)),
    isWhole,
  })
  for (let at = 0; length < bodyMax; ) {
    const line = lineAt(rest, at)
    if (line === undefined && rest.byteLength - at > HEAD_BYTES_MAX) return malformed('bad chunk')
    if (line === undefined) return made(false)
    const [, digits] = CHUNK_SIZE.exec(line.text) ?? []
    if (digits === undefined) return malformed('bad chunk')
    const size = Number.parseInt(digits, 16)
    if (size === 0) return made(true)
    const chunk = rest.subarray(line.end, line.end + size)
    chunks.push(chunk)
    length += chunk.byteLength
    if (chunk.byteLength < size) return made(length >= bodyMax)
    const end = lineAt(rest, line.end + size)
    if (end === undefined && rest.byteLength - line.end - size < 2) return made(length >= bodyMax)
    if (end?.text !== '') return malformed('bad chunk')
    at = end.end
  }
  return made(true)
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk.subarray(0, length - at), at)
    at += chunk.byteLength
  }
  return all
}

function malformed(why: string): ResponseReading {
  return { kind: 'malformed', why }
}
