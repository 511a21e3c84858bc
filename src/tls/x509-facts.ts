/** Names and identifiers in a certificate, as text for logs, access rules and headers. */
import { hostFromBytes } from '../base/address.js'
import * as c from '../kernel/openssl-constants.js'
import { asn1Bytes, writtenBytes, x509Calls } from '../kernel/openssl-x509.js'

/** The texts are untrusted: they come from the peer. */
export interface CertificateFacts {
  /** RFC 2253, most specific part first: `CN=joe,O=Example`. Control characters are escaped. */
  readonly subject: string
  readonly issuer: string
  /** The traditional format of OpenSSL: `/O=Example/CN=joe`. */
  readonly subjectLine: string
  readonly issuerLine: string
  /** '' if missing, not valid text, or with control characters. */
  readonly commonName: string
  /** Hexadecimal. */
  readonly serial: string
  /** Authority key identifier in lower-case hexadecimal; '' if missing. */
  readonly issuerKeyId: string
  /** `DNS:www.example.com`, `IP:10.0.0.1`, `email:joe@example.com`, `URI:…`. Control characters are escaped. */
  readonly alternativeNames: readonly string[]
  /** The encoded certificate. */
  readonly der: Uint8Array
}

// Other kinds of names (directory names, other names) are not reported.
const KINDS: Readonly<Record<number, string>> = {
  [c.GEN_EMAIL]: 'email',
  [c.GEN_DNS]: 'DNS',
  [c.GEN_URI]: 'URI',
  [c.GEN_IPADD]: 'IP',
}

/** Longer names are truncated. */
const LINE_BYTES_MAX = 4_096

/** The caller keeps ownership of the certificate. */
export function certificateFacts(certificate: number): CertificateFacts {
  const x509 = x509Calls()
  const subject = x509.subjectOf(certificate)
  const issuer = x509.issuerOf(certificate)
  return {
    subject: nameText(subject),
    issuer: nameText(issuer),
    subjectLine: nameLine(subject),
    issuerLine: nameLine(issuer),
    commonName: commonName(subject),
    issuerKeyId: issuerKeyId(certificate),
    serial: text(writtenBytes((bio) => x509.printSerial(bio, x509.serialOf(certificate)))),
    alternativeNames: alternativeNames(certificate),
    der: writtenBytes((bio) => x509.writeCertificate(bio, certificate)),
  }
}

/** The host names of a certificate: its DNS names, or the common name if it has none. */
export function hostNames(certificate: number): readonly string[] {
  const names = alternativeNames(certificate).flatMap((name) =>
    name.startsWith('DNS:') ? [name.slice(4)] : [],
  )
  if (names.length > 0) return names
  const name = commonName(x509Calls().subjectOf(certificate))
  return name === '' ? [] : [name]
}

/** `Jan  1 00:00:00 2030 GMT` */
export function timeText(time: number): string {
  return text(writtenBytes((bio) => x509Calls().printTime(bio, time)))
}

function alternativeNames(certificate: number): readonly string[] {
  const x509 = x509Calls()
  const names = x509.extension(certificate, c.NID_subject_alt_name, 0, 0)
  if (names === 0) return []
  const found: string[] = []
  const type = new Int32Array(1)
  for (let i = 0; i < x509.count(names); i++) {
    const value = x509.generalName(x509.element(names, i), type)
    const kind = KINDS[type[0] ?? -1]
    if (kind !== undefined) found.push(`${kind}:${nameValue(kind, asn1Bytes(value))}`)
  }
  x509.freeGeneralNames(names)
  return found
}

/** A malformed address, of another length, is shown as bytes. */
function nameValue(kind: string, bytes: Uint8Array): string {
  const isAddress = kind === 'IP' && (bytes.length === 4 || bytes.length === 16)
  return isAddress ? hostFromBytes(bytes) : escaped(bytes)
}

/** The first one, decoded by its string type: two Chinese characters in BMPString have the same bytes as `root`. */
function commonName(name: number): string {
  const x509 = x509Calls()
  const index = x509.findInName(name, c.NID_commonName, -1)
  if (index < 0) return ''
  const entry = x509.textOfEntry(x509.nameEntry(name, index))
  let outcome = 0
  const bytes = writtenBytes((bio) => {
    outcome = x509.printText(bio, entry, c.ASN1_STRFLGS_UTF8_CONVERT)
  })
  if (outcome < 0) return ''
  try {
    const shown = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return /[\x00-\x1f\x7f-\x9f]/.test(shown) ? '' : shown
  } catch {
    return ''
  }
}

function issuerKeyId(certificate: number): string {
  const id = x509Calls().issuerKeyIdOf(certificate)
  return id === 0 ? '' : hex(asn1Bytes(id))
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** X509_NAME_oneline(3), which truncates a name that does not fit. */
function nameLine(name: number): string {
  const line = new Uint8Array(LINE_BYTES_MAX)
  x509Calls().oneLine(name, line, line.length)
  return text(untilNul(line))
}

/** RFC 2253. */
function nameText(name: number): string {
  return text(writtenBytes((bio) => x509Calls().printName(bio, name, 0, c.XN_FLAG_RFC2253_UTF8)))
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

/** Shows bytes outside of printable ASCII as \xHH, because the names are untrusted. */
function escaped(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) =>
    byte > 0x20 && byte < 0x7f && byte !== 0x5c
      ? String.fromCharCode(byte)
      : byte === 0x20
        ? ' '
        : `\\x${byte.toString(16).padStart(2, '0')}`,
  ).join('')
}

function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0)
  return end < 0 ? bytes : bytes.subarray(0, end)
}
