/** DNS over TCP by the header of a request (RFC 1035, sections 4.1.1 and 4.2.2). */
import { type Answer, MORE, NO, YES } from './answer.js'
import { byteAt, shortAt } from './read.js'

/** The length of the message, its header, and the first byte after it. */
export const DNS_BYTES_MAX = 15

const LENGTH_BYTES = 2
const HEAD_BYTES = 12
/** The root name, type and class. */
const QUESTION_BYTES_MIN = 5
/** The root name, type, class, time to live and an empty content. */
const RECORD_BYTES_MIN = 11
/** Type and length of a TLV (RFC 8490, section 5.4). */
const TLV_BYTES_MIN = 4
const LABEL_BYTES_MAX = 63

const QUERY = 0
/** RFC 1996. */
const NOTIFY = 4
/** RFC 2136. */
const UPDATE = 5
/** DNS stateful operations (RFC 8490): all counts are 0. */
const STATEFUL = 6

const RESPONSE_FLAG = 0x80
const TRUNCATION_FLAG = 0x02
/** In the second byte: the reserved bit and the response code, 0 in requests. */
const ZERO_BITS = 0x4f

/** IXFR has the SOA record in the authority section (RFC 1995, section 3). */
const AUTHORITIES_MAX = 1
/** EDNS, and a signature of either kind (TSIG, SIG(0)). */
const ADDITIONALS_MAX = 3

/**
 * One question: a query without any (RFC 9619) only asks a server for its cookie, and that over UDP. Texts
 * and other binary protocols are excluded by counts that do not fit into the length, and by bits that are 0
 * in requests.
 */
export function sniffDns(bytes: Uint8Array, from: number, byteCount: number): Answer {
  if (byteCount < LENGTH_BYTES) return MORE
  const length = shortAt(bytes, from)
  if (length < HEAD_BYTES + TLV_BYTES_MIN) return NO
  if (byteCount < 5) return MORE
  const flags = byteAt(bytes, from + 4)
  const operation = (flags >> 3) & 15
  if ((flags & (RESPONSE_FLAG | TRUNCATION_FLAG)) !== 0 || !isOperation(operation)) return NO
  if (byteCount < 6) return MORE
  if ((byteAt(bytes, from + 5) & ZERO_BITS) !== 0) return NO
  const questionsMax = operation === STATEFUL ? 0 : 1
  if (byteCount < 8) return MORE
  if (shortAt(bytes, from + 6) !== questionsMax) return NO
  if (byteCount < LENGTH_BYTES + HEAD_BYTES) return MORE
  const answers = shortAt(bytes, from + 8)
  const authorities = shortAt(bytes, from + 10)
  const additionals = shortAt(bytes, from + 12)
  const records = answers + authorities + additionals
  if (operation === STATEFUL) return records === 0 ? YES : NO
  if (length < HEAD_BYTES + QUESTION_BYTES_MIN + records * RECORD_BYTES_MIN) return NO
  const isPlausible =
    operation !== QUERY || (answers === 0 && authorities <= AUTHORITIES_MAX && additionals <= ADDITIONALS_MAX)
  if (!isPlausible) return NO
  if (byteCount < DNS_BYTES_MAX) return MORE
  return byteAt(bytes, from + LENGTH_BYTES + HEAD_BYTES) <= LABEL_BYTES_MAX ? YES : NO
}

function isOperation(operation: number): boolean {
  return operation === QUERY || operation === NOTIFY || operation === UPDATE || operation === STATEFUL
}
