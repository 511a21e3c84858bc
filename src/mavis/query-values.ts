/** Converts a question about a client into the attributes of a MAVIS query. */
import { createHash } from 'node:crypto'
import type { AskedAbout, ClientIdentity, Question } from '../base/authorization.js'
import { type ByteString, byteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'

/** REALM for listeners without `realm`. */
const DEFAULT_REALM = 'default'

/**
 * Sets the attributes that helpers of the original use: TYPE, TIMESTAMP, USER, IPADDR, SERIAL, SERVERIP,
 * REALM, VHOST, CERTDATA, CERTSUBJ, TACTYPE. `serial` and `timestamp` identify the query. A server name with
 * control characters is left out: it is no valid host name, and may be an attempt to inject lines.
 */
export function queryValues(
  { client, identity, realm, server, serverName }: Question,
  about: AskedAbout,
  serial: ByteString,
  timestamp: ByteString,
): (ByteString | undefined)[] {
  const values: (ByteString | undefined)[] = []
  const set = (attribute: number, text: string) => {
    if (text !== '') values[attribute] = byteString(text)
  }
  set(AV.TYPE, 'TACPLUS')
  set(AV.TACTYPE, about === 'host' ? 'HOST' : 'INFO')
  set(AV.USER, about === 'host' ? client : (identity?.user ?? ''))
  set(AV.IPADDR, client)
  set(AV.SERVERIP, server)
  set(AV.REALM, realm === '' ? DEFAULT_REALM : realm)
  if (serverName !== undefined && !/[\x00-\x1f\x7f]/.test(serverName)) set(AV.VHOST, serverName)
  if (identity !== undefined) set(AV.CERTDATA, certificateData(identity))
  if (identity?.kind === 'certificate') set(AV.CERTSUBJ, identity.subjectLine)
  values[AV.TIMESTAMP] = timestamp
  values[AV.SERIAL] = serial
  return values
}

/** `san="…",issuer="…",serial="…",sha1="aa:bb…",…`; unknown values are left out, quotes in values escaped. */
function certificateData(identity: ClientIdentity): string {
  if (identity.kind === 'psk') return `pskid="${withoutQuotes(identity.user)}"`
  const { alternativeNames, der, issuer, issuerKeyId, serial } = identity
  const words: readonly (readonly [name: string, value: string])[] = [
    ...alternativeNames.map((name) => ['san', name] as const),
    ['issuer', issuer],
    ['issueraki', issuerKeyId],
    ['serial', serial.toLowerCase()],
    ['sha1', fingerprint('sha1', der)],
    ['sha256', fingerprint('sha256', der)],
  ]
  return words
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}="${withoutQuotes(value)}"`)
    .join()
}

/** Escapes quotes, so that a name in a certificate cannot add words of its own. */
function withoutQuotes(text: string): string {
  return text.replaceAll('"', '\\x22')
}

function fingerprint(algorithm: 'sha1' | 'sha256', der: Uint8Array): string {
  const pairs = createHash(algorithm).update(der).digest('hex').match(/../g) ?? []
  return pairs.join(':')
}
