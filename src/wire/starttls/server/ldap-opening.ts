/** LDAP before TLS: the extended request StartTLS (RFC 4511, 4.14). The client speaks first, in BER. */
import type { ByteString } from '../../../base/byte-string.js'
import { latinBytes } from '../../sniff/read.js'
import { ByteCollector } from './byte-collector.js'
import {
  BYTES_BEHIND,
  goOn,
  type PlainOpening,
  refuse,
  type Step,
  TOO_LONG,
  WITHOUT_TLS,
} from './plain-opening.js'

const START_TLS = '1.3.6.1.4.1.1466.20037'
const NOTICE_OF_DISCONNECTION = '1.3.6.1.4.1.1466.20036'
/** ExtendedRequest: `requestName` and no `requestValue`. */
const START_TLS_REQUEST = latinBytes(`\x80${String.fromCharCode(START_TLS.length)}${START_TLS}`)

const SEQUENCE = 0x30
const INTEGER = 0x02
const UNBIND_REQUEST = 0x42
const ABANDON_REQUEST = 0x50
const EXTENDED_REQUEST = 0x77
const EXTENDED_RESPONSE = 0x78

/** Result codes of RFC 4511, 4.1.9. */
const SUCCESS = 0
const PROTOCOL_ERROR = 2
const CONFIDENTIALITY_REQUIRED = 13

/** The responses to other requests, with the same fields; that to a search ends it. */
const RESPONSES: Readonly<Record<number, number>> = {
  96: 0x61,
  99: 0x65,
  102: 0x67,
  104: 0x69,
  74: 0x6b,
  108: 0x6d,
  110: 0x6f,
  [EXTENDED_REQUEST]: EXTENDED_RESPONSE,
}

const MALFORMED = 'the client does not speak LDAP'

export class LdapOpening implements PlainOpening {
  readonly greeting = ''
  readonly #collector = new ByteCollector()

  take(bytes: Uint8Array, byteCount: number): Step {
    const all = this.#collector.join(bytes, byteCount)
    if (all === undefined) return refuse(byteCount, disconnection(), TOO_LONG)
    for (let at = 0; ; ) {
      const message = elementAt(all, at, all.length)
      const isMalformed = message === 'malformed' || (at < all.length && all[at] !== SEQUENCE)
      if (isMalformed) return refuse(byteCount, disconnection(), MALFORMED)
      if (message === 'more') {
        this.#collector.keep(all.subarray(at))
        return goOn(byteCount, '')
      }
      const step = answer(all, message, byteCount)
      if (step.next !== 'go-on') return step
      at = message.endsAt
    }
  }
}

interface Element {
  readonly tag: number
  readonly contentAt: number
  readonly endsAt: number
}

/** The element of BER at `at`, which has to end within `limit`; its length has the definite form (RFC 4511, 5.1). */
function elementAt(bytes: Uint8Array, at: number, limit: number): Element | 'more' | 'malformed' {
  const lengthAt = at + 1
  if (lengthAt >= limit) return 'more'
  const first = bytes[lengthAt] as number
  const sizeBytes = first < 0x80 ? 0 : first - 0x80
  if (first === 0x80 || sizeBytes > 4) return 'malformed'
  const contentAt = lengthAt + 1 + sizeBytes
  if (contentAt > limit) return 'more'
  let length = first < 0x80 ? first : 0
  for (let i = lengthAt + 1; i < contentAt; i++) length = length * 256 + (bytes[i] as number)
  const endsAt = contentAt + length
  return endsAt > limit ? 'more' : { tag: bytes[at] as number, contentAt, endsAt }
}

/** Answers a whole message, which is an id and an operation. */
function answer(bytes: Uint8Array, message: Element, byteCount: number): Step {
  const id = elementAt(bytes, message.contentAt, message.endsAt)
  const operation = typeof id === 'string' ? id : elementAt(bytes, id.endsAt, message.endsAt)
  if (typeof id === 'string' || typeof operation === 'string' || !isId(id)) {
    return refuse(byteCount, disconnection(), MALFORMED)
  }
  const idBytes = textOf(bytes, id.contentAt, id.endsAt)
  switch (operation.tag) {
    case UNBIND_REQUEST:
      return { taken: byteCount, reply: '', next: 'leave', why: '' }
    case ABANDON_REQUEST:
      return goOn(byteCount, '')
    case EXTENDED_REQUEST:
      if (!isStartTls(bytes, operation)) break
      if (message.endsAt < bytes.length) return refuse(byteCount, '', BYTES_BEHIND)
      return { taken: byteCount, reply: accepted(idBytes), next: 'tls', why: '' }
  }
  const tag = RESPONSES[operation.tag]
  if (tag === undefined) return refuse(byteCount, disconnection(), MALFORMED)
  const reply = response(idBytes, tag, CONFIDENTIALITY_REQUIRED, 'TLS is required: use StartTLS first')
  return refuse(byteCount, reply, WITHOUT_TLS)
}

/** From 0 to 2^31 - 1. */
function isId({ contentAt, endsAt, tag }: Element): boolean {
  return tag === INTEGER && endsAt > contentAt && endsAt - contentAt <= 4
}

function isStartTls(bytes: Uint8Array, { contentAt, endsAt }: Element): boolean {
  const content = bytes.subarray(contentAt, endsAt)
  return (
    content.length === START_TLS_REQUEST.length && content.every((byte, i) => byte === START_TLS_REQUEST[i])
  )
}

function accepted(id: ByteString): ByteString {
  return response(id, EXTENDED_RESPONSE, SUCCESS, '', START_TLS)
}

/** The message that a server sends unasked before it closes (RFC 4511, 4.4.1). */
function disconnection(): ByteString {
  return response('\0', EXTENDED_RESPONSE, PROTOCOL_ERROR, '', NOTICE_OF_DISCONNECTION)
}

/** LDAPResult with an empty `matchedDN`, and the `responseName` of an extended response. */
function response(id: ByteString, tag: number, code: number, text: string, name = ''): ByteString {
  const result = element(0x0a, String.fromCharCode(code)) + element(0x04, '') + element(0x04, text)
  const operation = element(tag, result + (name === '' ? '' : element(0x8a, name)))
  return element(SEQUENCE, element(INTEGER, id) + operation)
}

/** Content of less than 128 bytes. */
function element(tag: number, content: ByteString): ByteString {
  return String.fromCharCode(tag, content.length) + content
}

function textOf(bytes: Uint8Array, from: number, to: number): ByteString {
  return String.fromCharCode(...bytes.subarray(from, to))
}
