/**
 * PostgreSQL by the first message of a client, which has no type: length and code (PostgreSQL manual, "Message
 * Formats"). A client that begins with TLS directly (`sslnegotiation=direct`) is TLS here.
 */
import { type Answer, MORE, NO, YES } from './answer.js'
import { byteAt, longAt, shortAt } from './read.js'

/** Length and code. */
export const POSTGRES_BYTES_MAX = 8

/** Major version of StartupMessage; the server negotiates the minor one. */
const PROTOCOL_3 = 3
/** "Major version" of the requests: no protocol has it. */
const REQUEST = 1234
const CANCEL_REQUEST = 5678
const SSL_REQUEST = 5679
const GSSENC_REQUEST = 5680

/** Lengths include the length itself. The server accepts 10,000 bytes beside it (MAX_STARTUP_PACKET_LENGTH). */
const LENGTH_MAX = 10_004
const STARTUP_LENGTH_MIN = 9
const EMPTY_REQUEST_LENGTH = 8
/** The process and a secret key of 4 bytes, of up to 256 since version 3.2. */
const CANCEL_LENGTH_MIN = 16
const CANCEL_LENGTH_MAX = 268

export function sniffPostgres(bytes: Uint8Array, from: number, byteCount: number): Answer {
  if (byteCount >= 1 && byteAt(bytes, from) !== 0) return NO
  if (byteCount >= 2 && byteAt(bytes, from + 1) !== 0) return NO
  if (byteCount < 4) return MORE
  const length = longAt(bytes, from)
  if (length < EMPTY_REQUEST_LENGTH || length > LENGTH_MAX) return NO
  if (byteCount < 6) return MORE
  const major = shortAt(bytes, from + 4)
  if (major !== PROTOCOL_3 && major !== REQUEST) return NO
  if (byteCount < POSTGRES_BYTES_MAX) return MORE
  const minor = shortAt(bytes, from + 6)
  return isLengthOf(length, major, minor) ? YES : NO
}

function isLengthOf(length: number, major: number, minor: number): boolean {
  if (major === PROTOCOL_3) return length >= STARTUP_LENGTH_MIN
  if (minor === CANCEL_REQUEST) return length >= CANCEL_LENGTH_MIN && length <= CANCEL_LENGTH_MAX
  return (minor === SSL_REQUEST || minor === GSSENC_REQUEST) && length === EMPTY_REQUEST_LENGTH
}
