/** DNS messages: encodes queries, and decodes and checks responses. */
import { type Answer, type DecodedPacket, decode, encode, RECURSION_DESIRED } from 'dns-packet'
import { parseHostLiteral } from '../../base/address.js'
import { DnsFailure } from './dns-failure.js'

export type QuestionType = 'A' | 'AAAA' | 'SRV'

export interface Question {
  /** In lower case, without the final dot. */
  readonly name: string
  readonly type: QuestionType
}

export interface Query {
  readonly id: number
  readonly question: Question
  /** With EDNS(0), RFC 6891. */
  readonly isExtended: boolean
}

interface Common {
  /** In lower case, without the final dot. */
  readonly name: string
  readonly ttlMs: number
}

export type AddressRecord = Common & { readonly type: 'A' | 'AAAA'; readonly address: string }
export type SrvRecord = Common & {
  readonly type: 'SRV'
  readonly priority: number
  readonly weight: number
  readonly port: number
  /** '.': the service is not available here. */
  readonly target: string
}
export type DnsRecord =
  | AddressRecord
  | SrvRecord
  | (Common & { readonly type: 'CNAME'; readonly target: string })
  | (Common & { readonly type: 'SOA'; readonly minimumMs: number })
  | (Common & { readonly type: 'NS' })

export interface DnsResponse {
  readonly code: number
  readonly isTruncated: boolean
  readonly isAuthoritative: boolean
  readonly isRecursive: boolean
  /** Records of the types above; others are left out. */
  readonly answers: readonly DnsRecord[]
  readonly authorities: readonly DnsRecord[]
  readonly additionals: readonly DnsRecord[]
}

export const NOERROR = 0
export const FORMERR = 1
export const NXDOMAIN = 3

/** Fits every path without fragments (DNS flag day 2020). Longer responses come over TCP. */
const UDP_BYTES = 1_232

const HEADER_BYTES = 12
/** Bits of the third byte of a header. */
const IS_RESPONSE = 0x80
const IS_TRUNCATED = 0x02
const CODE_BITS = 0x0f

/** A TTL with the highest bit is zero (RFC 2181, section 8). */
const TTL_SECONDS_MAX = 2 ** 31 - 1

export function encodeQuery({ id, isExtended, question }: Query): Buffer {
  const extension: Answer = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: UDP_BYTES,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  }
  return encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [{ name: question.name, type: question.type, class: 'IN' }],
    additionals: isExtended ? [extension] : [],
  })
}

/** Throws a `DnsFailure` if the bytes are no response to the query. */
export function decodeResponse(query: Query, bytes: Buffer): DnsResponse {
  if (bytes.length < HEADER_BYTES) throw new DnsFailure('a malformed response')
  const flags = bytes[2] as number
  if ((flags & IS_RESPONSE) === 0) throw new DnsFailure('a query')
  if (bytes.readUInt16BE(0) !== query.id) throw new DnsFailure('a response with another id')
  // Not decoded, because a server may have cut it anywhere; the response over TCP counts.
  if ((flags & IS_TRUNCATED) !== 0) return TRUNCATED
  const packet = decodePacket(bytes)
  const response = responseOf(packet)
  if (!isAnswerTo(query.question, packet, response.code))
    throw new DnsFailure('a response to another question')
  return response
}

const TRUNCATED: DnsResponse = {
  code: NOERROR,
  isTruncated: true,
  isAuthoritative: false,
  isRecursive: false,
  answers: [],
  authorities: [],
  additionals: [],
}

function decodePacket(bytes: Buffer): DecodedPacket {
  const { packet, byteCount } = decoded(bytes)
  // The library does not check the lengths of all records: it may have decoded too many bytes, or too few.
  if (byteCount !== bytes.length) throw new DnsFailure('a malformed response')
  return packet
}

function decoded(bytes: Buffer): { readonly packet: DecodedPacket; readonly byteCount: number } {
  try {
    return { packet: decode(bytes), byteCount: decode.bytes }
  } catch {
    throw new DnsFailure('a malformed response')
  }
}

/** Servers may leave out the question in errors (a FORMERR has often none), which do not say anything about names. */
function isAnswerTo({ name, type }: Question, { questions = [] }: DecodedPacket, code: number): boolean {
  const [asked, ...others] = questions
  if (asked === undefined) return code !== NOERROR && code !== NXDOMAIN
  return (
    others.length === 0 &&
    nameOf(asked.name) === name &&
    asked.type === type &&
    (asked.class ?? 'IN') === 'IN'
  )
}

function responseOf(packet: DecodedPacket): DnsResponse {
  const { additionals = [], answers = [], authorities = [], flags = 0 } = packet
  const extension = additionals.find(({ type }) => type === 'OPT')
  const highBits = extension?.type === 'OPT' ? extension.extendedRcode : 0
  return {
    code: (highBits << 4) | (flags & CODE_BITS),
    isTruncated: false,
    isAuthoritative: packet.flag_aa,
    isRecursive: packet.flag_ra,
    answers: answers.flatMap(recordsOf),
    authorities: authorities.flatMap(recordsOf),
    additionals: additionals.flatMap(recordsOf),
  }
}

/** The record, or nothing if it is of another type. */
function recordsOf(answer: Answer): readonly DnsRecord[] {
  if (answer.type === 'OPT' || answer.class !== 'IN') return []
  const { ttl = 0 } = answer
  const common = { name: nameOf(answer.name), ttlMs: ttl > TTL_SECONDS_MAX ? 0 : ttl * 1_000 }
  switch (answer.type) {
    case 'A':
    case 'AAAA':
      return [{ ...common, type: answer.type, address: addressOf(answer.data) }]
    case 'CNAME':
      return [{ ...common, type: 'CNAME', target: nameOf(answer.data) }]
    case 'SRV': {
      const { port, priority = 0, target, weight = 0 } = answer.data
      return [{ ...common, type: 'SRV', port, priority, weight, target: nameOf(target) }]
    }
    case 'SOA':
      return [{ ...common, type: 'SOA', minimumMs: (answer.data.minimum ?? 0) * 1_000 }]
    case 'NS':
      return [{ ...common, type: 'NS' }]
    default:
      return []
  }
}

/** In the spelling of the program, so that addresses can be compared. */
function addressOf(text: string): string {
  const literal = parseHostLiteral(text)
  if (literal === undefined) throw new DnsFailure('a malformed response')
  return literal.host
}

/** Names are equal regardless of case (RFC 4343). */
function nameOf(text: string): string {
  return text.toLowerCase()
}
