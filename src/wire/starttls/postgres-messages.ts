/**
 * Messages of PostgreSQL that mean something else on the two sides of a relay that speaks TLS on one of them (PostgreSQL
 * documentation, 55.7): requests for encryption of a client, and the methods of SASL that a server offers.
 */
import { ascii, beginsWith, findBytes, mayBegin } from './bytes.js'
import { SSL_REQUEST } from './client-postgres.js'

/** As `SSLRequest`, for encryption by Kerberos. */
const GSSENC_REQUEST = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30)

export const ENCRYPTION_REQUEST_BYTES = 8

/** "No", in one byte, and then the client goes on without. */
export const NO_ENCRYPTION = 0x4e

/** Whether a client's first bytes are a request for encryption; undefined: more bytes are needed. */
export function isEncryptionRequest(bytes: Uint8Array, start: number, end: number): boolean | undefined {
  if (!mayBegin(bytes, SSL_REQUEST, start, end) && !mayBegin(bytes, GSSENC_REQUEST, start, end)) return false
  return end - start < ENCRYPTION_REQUEST_BYTES ? undefined : true
}

const AUTHENTICATION = 0x52
/** Of the minor version of the protocol: it precedes the answer. */
const NEGOTIATE_VERSION = 0x76
const SASL = 10
const HEADER_BYTES = 5
const METHODS_AT = HEADER_BYTES + 4
const PLUS = ascii('SCRAM-SHA-256-PLUS\0')

/** Longer than the messages before the password of any server. */
const MESSAGE_BYTES_MAX = 16 * 1024

/** More bytes are needed. */
export const INCOMPLETE = -1

/**
 * Removes SCRAM-SHA-256-PLUS in place from what a server offers in its first messages. Returns the new end of the bytes, or
 * INCOMPLETE while the message with the offer is not there.
 */
export function withoutChannelBinding(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; ) {
    const type = bytes[at]
    if (type !== AUTHENTICATION && type !== NEGOTIATE_VERSION) return end
    if (end - at < HEADER_BYTES) return INCOMPLETE
    const length = numberAt(bytes, at + 1)
    if (length > MESSAGE_BYTES_MAX) return end
    const next = at + 1 + length
    if (next > end) return INCOMPLETE
    if (type === AUTHENTICATION) return removePlus(bytes, at, next, end)
    at = next
  }
  return INCOMPLETE
}

/** From the message that begins at `at` and ends at `next`. */
function removePlus(bytes: Uint8Array, at: number, next: number, end: number): number {
  const isOffer = next - at > METHODS_AT && numberAt(bytes, at + HEADER_BYTES) === SASL
  const plus = isOffer ? findMethod(bytes, at + METHODS_AT, next) : -1
  if (plus < 0) return end
  const length = next - at - 1 - PLUS.length
  for (let i = 0; i < 4; i++) bytes[at + 1 + i] = (length >>> (8 * (3 - i))) & 0xff
  bytes.copyWithin(plus, plus + PLUS.length, end)
  return end - PLUS.length
}

/** Where the name of the method with channel binding begins in a list of names; -1: it is not in the list. */
function findMethod(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; ) {
    if (beginsWith(bytes, PLUS, at, end)) return at
    const zero = findBytes(bytes, ZERO, at, end)
    if (zero < 0) return -1
    at = zero + 1
  }
  return -1
}

const ZERO = Uint8Array.of(0)

function numberAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) * 0x100_0000 +
    (bytes[at + 1] as number) * 0x1_0000 +
    (bytes[at + 2] as number) * 0x100 +
    (bytes[at + 3] as number)) as number
}
