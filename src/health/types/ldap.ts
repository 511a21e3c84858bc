/** The health check `ldap`: an anonymous simple bind (RFC 4511). */
import { Buffer } from 'node:buffer'
import { ByteReader } from '../byte-reader.js'
import type { CheckOf, ProbeFinding } from '../probe-checks.js'
import { ProbeFailure } from '../probe-failure.js'
import type { ProbeSession } from '../probe-session.js'
import { quoted } from '../quoted.js'

/** Far more than a result with its text. */
const MESSAGE_BYTES_MAX = 65_536

// Tags (X.690, 8.1.2), those of RFC 4511 among them.
const INTEGER = 0x02
const OCTET_STRING = 0x04
const ENUMERATED = 0x0a
const SEQUENCE = 0x30
const BIND_RESPONSE = 0x61
const EXTENDED_RESPONSE = 0x78

/** Message 1: version 3, an empty name, an empty password. */
const BIND = Buffer.of(0x30, 12, INTEGER, 1, 1, 0x60, 7, INTEGER, 1, 3, OCTET_STRING, 0, 0x80, 0)
const UNBIND = Buffer.of(0x30, 5, INTEGER, 1, 2, 0x42, 0)
const BIND_ID = 1

/** RFC 4511, appendix A.1: those with which servers answer to a bind. */
const RESULTS: Readonly<Record<number, string>> = {
  0: 'success',
  1: 'operationsError',
  2: 'protocolError',
  7: 'authMethodNotSupported',
  8: 'strongerAuthRequired',
  13: 'confidentialityRequired',
  48: 'inappropriateAuthentication',
  49: 'invalidCredentials',
  50: 'insufficientAccessRights',
  51: 'busy',
  52: 'unavailable',
  53: 'unwillingToPerform',
  80: 'other',
}

export async function probeLdap(session: ProbeSession, check: CheckOf<'ldap'>): Promise<ProbeFinding> {
  const talk = await session.connect()
  talk.send(BIND)
  const bytes = await talk.answer('answer to the bind', messageLength)
  const { code, text } = resultOf(bytes)
  const name = RESULTS[code]
  const shown = `result ${name === undefined ? code : `${name} (${code})`}${text === '' ? '' : ` ${quoted(text)}`}`
  if (!check.results.includes(code)) throw new ProbeFailure(shown)
  talk.send(UNBIND)
  return { text: shown }
}

/** Of the LDAPMessage at the beginning; undefined: more bytes are needed. */
function messageLength(bytes: Buffer): number | undefined {
  const [tag, short = 0] = bytes
  if (tag !== undefined && tag !== SEQUENCE) throw new ProbeFailure(`no answer of LDAP: ${quoted(bytes)}`)
  if (bytes.byteLength < 2) return undefined
  const more = short < 0x80 ? 0 : short & 0x7f
  // 0x80: without a length, which LDAP does not have (section 5.1).
  if (short === 0x80 || more > 4) throw new ProbeFailure('bad answer of LDAP')
  if (bytes.byteLength < 2 + more) return undefined
  const length = 2 + more + (more === 0 ? short : bytes.readUIntBE(2, more))
  if (length > MESSAGE_BYTES_MAX) throw new ProbeFailure('bad answer of LDAP')
  return bytes.byteLength < length ? undefined : length
}

interface LdapResult {
  readonly code: number
  readonly text: string
}

function resultOf(bytes: Buffer): LdapResult {
  const message = new ByteReader(element(new ByteReader(bytes, 'answer of LDAP'), SEQUENCE), 'answer of LDAP')
  const id = integer(message, INTEGER)
  const tag = message.byte()
  // Id 0: the server ends the connection (section 4.4.1).
  if (!(tag === BIND_RESPONSE && id === BIND_ID) && !(tag === EXTENDED_RESPONSE && id === 0)) message.fail()
  const result = new ByteReader(content(message), 'answer of LDAP')
  const code = integer(result, ENUMERATED)
  element(result, OCTET_STRING)
  return { code, text: element(result, OCTET_STRING).toString('utf8') }
}

function element(reader: ByteReader, tag: number): Buffer {
  if (reader.byte() !== tag) reader.fail()
  return content(reader)
}

function content(reader: ByteReader): Buffer {
  const short = reader.byte()
  if (short < 0x80) return reader.take(short)
  const more = short & 0x7f
  if (more === 0 || more > 4) reader.fail()
  return reader.take(reader.take(more).readUIntBE(0, more))
}

function integer(reader: ByteReader, tag: number): number {
  const bytes = element(reader, tag)
  // Result codes and ids of messages are small.
  if (bytes.byteLength === 0 || bytes.byteLength > 4) reader.fail()
  return bytes.readIntBE(0, bytes.byteLength)
}
