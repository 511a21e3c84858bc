/** The TLVs behind the addresses of version 2 of the PROXY protocol (section 2.2.1 on). */
import { crc32c } from './crc32c.js'

/** Type, then the length of the value in two bytes. */
const TLV_HEADER_BYTES = 3
/** Of type SSL: flags of the client, then the result of the verification in four bytes. */
const SSL_HEADER_BYTES = 5

const ALPN = 0x01
const AUTHORITY = 0x02
const CRC32C = 0x03
const NOOP = 0x04
const UNIQUE_ID = 0x05
const SSL = 0x20
const NETNS = 0x30

const SSL_VERSION = 0x21
const SSL_CN = 0x22
const SSL_CIPHER = 0x23

/** PP2_CLIENT_SSL: the client spoke TLS with the proxy. */
const CLIENT_SSL = 0x01

/** Limit of a unique id in the specification. */
const UNIQUE_ID_BYTES_MAX = 128

/** What TLVs say. Each text is the bytes as UTF-8, chosen by the proxy or its client; '' if there is none. */
export interface ProxyTlvs {
  readonly alpn: string
  /** The host name that the client asked for (SNI). */
  readonly authority: string
  /** In hexadecimal: opaque bytes. */
  readonly uniqueId: string
  readonly netns: string
  /** Undefined: the client did not speak TLS with the proxy, or the proxy does not say. */
  readonly ssl: ProxySsl | undefined
  /** All other types, among them those of AWS (0xea), Azure (0xee) and GCP (0xe0): the values in hexadecimal. */
  readonly others: readonly { readonly type: number; readonly hex: string }[]
}

/** TLS between the client and the proxy. */
export interface ProxySsl {
  /** `TLSv1.3`. */
  readonly version: string
  /** The common name of the client's certificate. */
  readonly commonName: string
  readonly cipher: string
  /** The client has presented a certificate that the proxy could verify. */
  readonly isVerified: boolean
}

type Draft = { -readonly [K in keyof ProxyTlvs]: ProxyTlvs[K] } & {
  readonly others: { readonly type: number; readonly hex: string }[]
}

/** The TLVs from `at` to `end`, where the header ends; or why it is malformed. */
export function readTlvs(bytes: Uint8Array, at: number, end: number): ProxyTlvs | string {
  const tlvs: Draft = { alpn: '', authority: '', uniqueId: '', netns: '', ssl: undefined, others: [] }
  for (let next = at; next < end; ) {
    const from = next + TLV_HEADER_BYTES
    const to = endOf(bytes, next, end)
    if (to < 0) return 'a TLV exceeds the header'
    const problem = readTlv(bytes, { type: bytes[next] as number, from, to, headerEnd: end }, tlvs)
    if (problem !== undefined) return problem
    next = to
  }
  return tlvs
}

interface Tlv {
  readonly type: number
  readonly from: number
  readonly to: number
  readonly headerEnd: number
}

/** Where the TLV at `at` ends; -1: beyond `end`. */
function endOf(bytes: Uint8Array, at: number, end: number): number {
  if (at + TLV_HEADER_BYTES > end) return -1
  const to = at + TLV_HEADER_BYTES + (((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number))
  return to > end ? -1 : to
}

/** The first TLV of a type counts. */
function readTlv(bytes: Uint8Array, { from, headerEnd, to, type }: Tlv, tlvs: Draft): string | undefined {
  switch (type) {
    case ALPN:
      tlvs.alpn ||= text(bytes, from, to)
      return undefined
    case AUTHORITY:
      tlvs.authority ||= text(bytes, from, to)
      return undefined
    case NETNS:
      tlvs.netns ||= text(bytes, from, to)
      return undefined
    case UNIQUE_ID:
      if (to - from > UNIQUE_ID_BYTES_MAX) return 'unique id longer than 128 bytes'
      tlvs.uniqueId ||= hex(bytes, from, to)
      return undefined
    case CRC32C:
      return isChecked(bytes, from, to, headerEnd) ? undefined : 'wrong checksum (CRC-32C)'
    case SSL:
      return readSsl(bytes, from, to, tlvs)
    case NOOP:
      return undefined
    default:
      tlvs.others.push({ type, hex: hex(bytes, from, to) })
      return undefined
  }
}

function isChecked(bytes: Uint8Array, from: number, to: number, headerEnd: number): boolean {
  if (to - from !== 4) return false
  const stated = new DataView(bytes.buffer, bytes.byteOffset).getUint32(from)
  return stated === crc32c(bytes, headerEnd, from)
}

function readSsl(bytes: Uint8Array, from: number, to: number, tlvs: Draft): string | undefined {
  if (to - from < SSL_HEADER_BYTES) return 'SSL TLV too short'
  const ssl = { version: '', commonName: '', cipher: '', isVerified: false }
  const verified = new DataView(bytes.buffer, bytes.byteOffset).getUint32(from + 1)
  for (let next = from + SSL_HEADER_BYTES; next < to; ) {
    const end = endOf(bytes, next, to)
    if (end < 0) return 'a TLV exceeds the SSL TLV'
    const value = next + TLV_HEADER_BYTES
    if (bytes[next] === SSL_VERSION) ssl.version ||= text(bytes, value, end)
    else if (bytes[next] === SSL_CN) ssl.commonName ||= text(bytes, value, end)
    else if (bytes[next] === SSL_CIPHER) ssl.cipher ||= text(bytes, value, end)
    next = end
  }
  const flags = bytes[from] as number
  // Zero also without a certificate: the flags PP2_CLIENT_CERT_CONN and PP2_CLIENT_CERT_SESS say that there was one.
  ssl.isVerified = verified === 0 && (flags & 0x06) !== 0
  if ((flags & CLIENT_SSL) !== 0) tlvs.ssl ??= ssl
  return undefined
}

function text(bytes: Uint8Array, from: number, to: number): string {
  return decoder.decode(bytes.subarray(from, to))
}

const decoder = new TextDecoder()

function hex(bytes: Uint8Array, from: number, to: number): string {
  let digits = ''
  for (let i = from; i < to; i++) digits += (bytes[i] as number).toString(16).padStart(2, '0')
  return digits
}
