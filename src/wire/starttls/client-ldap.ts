/** The opening of LDAP: the extended request StartTLS (RFC 4511, 4.14). Clients begin with message 1 again. */
import { ascii } from './bytes.js'
import { ANSWER_BYTES_MAX, type Answer, type ClientOpening, MALFORMED, MORE, REFUSED } from './client-step.js'

// Tags (X.690, 8.1.2), those of RFC 4511 among them.
const INTEGER = 0x02
const ENUMERATED = 0x0a
const SEQUENCE = 0x30
const EXTENDED_REQUEST = 0x77
const EXTENDED_RESPONSE = 0x78
const REQUEST_NAME = 0x80

const OID = ascii('1.3.6.1.4.1.1466.20037')
const REQUEST_ID = 1
const SUCCESS = 0

/** Message 1 of the connection. */
const REQUEST = Uint8Array.of(
  SEQUENCE,
  OID.length + 7,
  INTEGER,
  1,
  REQUEST_ID,
  EXTENDED_REQUEST,
  OID.length + 2,
  REQUEST_NAME,
  OID.length,
  ...OID,
)

export function ldapOpening(): ClientOpening {
  return {
    protocol: 'ldap',
    steps: [{ what: 'answer to StartTLS', request: REQUEST, read: readResponse }],
    hasGreeting: false,
    cleanGreeting: (_bytes, start, end) => end - start,
    describe: (bytes, start, end) => `result code ${resultIn(bytes, start, end).code}`,
  }
}

function readResponse(bytes: Uint8Array, start: number, end: number): Answer {
  if (start === end) return MORE
  if (bytes[start] !== SEQUENCE) return MALFORMED
  const head = lengthAt(bytes, start + 1, end)
  if (head === undefined) return MORE
  const messageEnd = head.content + head.length
  if (messageEnd - start > ANSWER_BYTES_MAX) return MALFORMED
  if (messageEnd > end) return MORE
  const { code, id } = resultIn(bytes, start, messageEnd)
  if (code < 0) return MALFORMED
  // Identifier 0 is a notice that the server ends the connection (4.4.1).
  return code === SUCCESS && id === REQUEST_ID ? messageEnd - start : REFUSED
}

interface Result {
  readonly id: number
  /** -1: this is no result. */
  readonly code: number
}

const NO_RESULT: Result = { id: -1, code: -1 }

/** Of the message that fills `start` to `end`. Identifiers and codes here have one byte. */
function resultIn(bytes: Uint8Array, start: number, end: number): Result {
  const message = lengthAt(bytes, start + 1, end)
  if (message === undefined) return NO_RESULT
  const at = message.content
  if (bytes[at] !== INTEGER || bytes[at + 1] !== 1 || bytes[at + 3] !== EXTENDED_RESPONSE) return NO_RESULT
  const response = lengthAt(bytes, at + 4, end)
  if (response === undefined || response.content + 3 > end) return NO_RESULT
  const { content } = response
  if (bytes[content] !== ENUMERATED || bytes[content + 1] !== 1) return NO_RESULT
  return { id: bytes[at + 2] as number, code: bytes[content + 2] as number }
}

/** The length at `at`, and where the content begins; undefined: it is not complete. */
function lengthAt(
  bytes: Uint8Array,
  at: number,
  end: number,
): { readonly content: number; readonly length: number } | undefined {
  const first = at < end ? (bytes[at] as number) : undefined
  if (first === undefined) return undefined
  if (first < 0x80) return { content: at + 1, length: first }
  const lengthBytes = first & 0x7f
  // 0x80 is an indefinite length, which LDAP does not have (5.1).
  if (lengthBytes === 0 || lengthBytes > 4) return { content: at + 1, length: Number.POSITIVE_INFINITY }
  if (at + 1 + lengthBytes > end) return undefined
  let length = 0
  for (let i = 1; i <= lengthBytes; i++) length = length * 0x100 + (bytes[at + i] as number)
  return { content: at + 1 + lengthBytes, length }
}
