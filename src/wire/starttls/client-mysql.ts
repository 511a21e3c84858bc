/**
 * The opening of MySQL: the request for TLS is the beginning of a login, so it has to agree with the login that the client
 * sends later (MySQL documentation, "Connection Phase").
 */
import { findBytes } from './bytes.js'
import { ANSWER_BYTES_MAX, type Answer, type ClientOpening, MALFORMED, MORE, REFUSED } from './client-step.js'

const HEADER_BYTES = 4
/** Capabilities, size of packets, character set, filler: both logins and requests for TLS begin so. */
const LOGIN_HEAD_BYTES = 32
/** Of a login without TLS as far as it has to be known. */
export const LOGIN_BYTES = HEADER_BYTES + LOGIN_HEAD_BYTES

const PROTOCOL_VERSION = 10
const ERROR = 0xff
const ZERO = Uint8Array.of(0)
/** Thread id, first part of the challenge, filler: between the version of the server and its capabilities. */
const BEFORE_CAPABILITIES = 4 + 8 + 1

/** In the second byte of the capabilities: CLIENT_SSL and CLIENT_PROTOCOL_41. */
export const SSL_BIT = 0x08
const PROTOCOL_41_BIT = 0x02

/** For health checks, which have no login: CLIENT_PROTOCOL_41, CLIENT_SSL and CLIENT_SECURE_CONNECTION, packets of 16 MiB, UTF-8. */
const CHECK_REQUEST = Uint8Array.of(
  LOGIN_HEAD_BYTES,
  0,
  0,
  1,
  0,
  0x8a,
  0,
  0,
  0,
  0,
  0,
  1,
  33,
  ...new Uint8Array(23),
)

export function mysqlOpening(): ClientOpening {
  return {
    protocol: 'mysql',
    steps: [{ what: 'greeting', request: new Uint8Array(0), read: readGreeting }],
    hasGreeting: true,
    checkRequest: CHECK_REQUEST,
    cleanGreeting(bytes, start, end) {
      const at = capabilitiesAt(bytes, start, end) + 1
      bytes[at] = (bytes[at] as number) & ~SSL_BIT
      return end - start
    },
    // Behind the code of the error.
    describe: (bytes, start, end) =>
      bytes[start + HEADER_BYTES] === ERROR
        ? bytes.subarray(start + HEADER_BYTES + 3, end)
        : 'it does not speak TLS',
  }
}

function readGreeting(bytes: Uint8Array, start: number, end: number): Answer {
  if (end - start < HEADER_BYTES) return MORE
  const length = HEADER_BYTES + lengthAt(bytes, start)
  if (length > ANSWER_BYTES_MAX || length === HEADER_BYTES || bytes[start + 3] !== 0) return MALFORMED
  const first = bytes[start + HEADER_BYTES]
  if (end - start > HEADER_BYTES && first !== PROTOCOL_VERSION && first !== ERROR) return MALFORMED
  if (end - start < length) return MORE
  if (first === ERROR) return REFUSED
  const at = capabilitiesAt(bytes, start, start + length)
  if (at < 0) return MALFORMED
  return ((bytes[at + 1] as number) & SSL_BIT) === 0 ? REFUSED : length
}

/** -1: this is no greeting. */
function capabilitiesAt(bytes: Uint8Array, start: number, end: number): number {
  const zero = findBytes(bytes, ZERO, start + HEADER_BYTES + 1, end)
  const at = zero + 1 + BEFORE_CAPABILITIES
  return zero < 0 || at + 2 > end ? -1 : at
}

export function lengthAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) + (bytes[at + 1] as number) * 0x100 + (bytes[at + 2] as number) * 0x1_0000
}

/**
 * The request for TLS that belongs to the login whose first LOGIN_BYTES are at `start`; undefined: these do not begin a login
 * of this protocol.
 */
export function requestFor(bytes: Uint8Array, start: number): Uint8Array | undefined {
  const request = bytes.slice(start, start + LOGIN_BYTES)
  const capabilities = request[HEADER_BYTES + 1] as number
  const isLogin = request[3] === 1 && lengthAt(request, 0) >= LOGIN_HEAD_BYTES
  if (!isLogin || (capabilities & PROTOCOL_41_BIT) === 0 || (capabilities & SSL_BIT) !== 0) return undefined
  request[0] = LOGIN_HEAD_BYTES
  request[1] = 0
  request[2] = 0
  request[HEADER_BYTES + 1] = capabilities | SSL_BIT
  return request
}
