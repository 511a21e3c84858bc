/** Encodes headers of the PROXY protocol (haproxy.org/download/3.0/doc/proxy-protocol.txt), versions 1 and 2. */
import { hostFromBytes } from '../../base/address.js'
import type { ProxyTlv } from '../../base/proxy-tlvs.js'
import { crc32c } from './crc32c.js'
import { PATH_BYTES, type ProxyEnd, type ProxyFacts, type ProxyTls } from './proxy-facts.js'

export type ProxyVersion = 'v1' | 'v2'

/** More than the longest header: 16 bytes, two paths, and at most eight values. */
export const PROXY_BYTES_MAX = 4_096

const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a)
const PREFIX_BYTES = 16

const COMMAND_LOCAL = 0x20
const COMMAND_PROXY = 0x21

/** Family and transport, of streams only. SCTP has no number, and its one-to-one sockets are streams. */
const UNSPECIFIED = 0x00
const OVER_IPV4 = 0x11
const OVER_IPV6 = 0x21
const OVER_UNIX = 0x31

const ALPN = 0x01
const AUTHORITY = 0x02
const CRC32C = 0x03
const UNIQUE_ID = 0x05
const SSL = 0x20
const SSL_VERSION = 0x21
const SSL_CN = 0x22
const SSL_CIPHER = 0x23

const CLIENT_SSL = 0x01
const CERTIFICATE_ON_CONNECTION = 0x02
const CERTIFICATE_IN_SESSION = 0x04

/** Type and length. */
const TLV_PREFIX_BYTES = 3
/** A text that is longer is left out: half of it would be another one. */
const TEXT_BYTES_MAX = 255

const encoder = new TextEncoder()

const LOCAL_V1 = encoder.encode('PROXY UNKNOWN\r\n')
const LOCAL_V2 = Uint8Array.of(...SIGNATURE, COMMAND_LOCAL, UNSPECIFIED, 0, 0)

/** The header of a connection that is not for a client, such as a health check. */
export function localProxyHeader(version: ProxyVersion): Uint8Array {
  return version === 'v1' ? LOCAL_V1 : LOCAL_V2
}

/** Writes a header of at most `PROXY_BYTES_MAX` bytes at the beginning of `into`; returns its length. */
export function writeProxyHeader(
  into: Uint8Array,
  facts: ProxyFacts,
  version: ProxyVersion,
  tlvs: readonly ProxyTlv[],
): number {
  return version === 'v1' ? writeV1(into, facts) : writeV2(into, facts, tlvs)
}

function writeV1(into: Uint8Array, { destination, source }: ProxyFacts): number {
  const protocol = protocolOf(source, destination)
  if (protocol !== 'ipv4' && protocol !== 'ipv6') {
    into.set(LOCAL_V1)
    return LOCAL_V1.length
  }
  const hosts =
    protocol === 'ipv4' ? `TCP4 ${ipv4Text(source)} ${ipv4Text(destination)}` : ipv6Hosts(source, destination)
  const line = `PROXY ${hosts} ${source.port} ${destination.port}\r\n`
  for (let i = 0; i < line.length; i++) into[i] = line.charCodeAt(i)
  return line.length
}

/** Ends of different families are both written as IPv6, an IPv4 address in its mapped form, as HAProxy does. */
function protocolOf({ family: from }: ProxyEnd, { family: to }: ProxyEnd): ProxyEnd['family'] {
  if (from === to) return from
  return isIp(from) && isIp(to) ? 'ipv6' : 'none'
}

function isIp(family: ProxyEnd['family']): boolean {
  return family === 'ipv4' || family === 'ipv6'
}

function ipv4Text({ host }: ProxyEnd): string {
  return `${host[0]}.${host[1]}.${host[2]}.${host[3]}`
}

function ipv6Hosts(source: ProxyEnd, destination: ProxyEnd): string {
  return `TCP6 ${ipv6Text(source)} ${ipv6Text(destination)}`
}

/** Without dotted parts, which the specification does not mention. */
function ipv6Text({ family, host }: ProxyEnd): string {
  return family === 'ipv4'
    ? `::ffff:${group(host, 0)}:${group(host, 2)}`
    : hostFromBytes(host.subarray(0, 16))
}

function group(host: Uint8Array, at: number): string {
  return (((host[at] as number) << 8) | (host[at + 1] as number)).toString(16)
}

function writeV2(into: Uint8Array, facts: ProxyFacts, tlvs: readonly ProxyTlv[]): number {
  into.set(SIGNATURE)
  into[12] = COMMAND_PROXY
  let at = writeEnds(into, facts)
  let checksumAt = 0
  for (const tlv of tlvs) {
    if (tlv === 'crc32c') checksumAt = at + TLV_PREFIX_BYTES
    at = writeTlv(into, at, tlv, facts)
  }
  writeNumber(into, 14, at - PREFIX_BYTES, 2)
  // The checksum is that of the header with zeros in its place.
  if (checksumAt > 0) writeNumber(into, checksumAt, crc32c(into, at), 4)
  return at
}

/** Writes family, transport and addresses; returns where they end. */
function writeEnds(into: Uint8Array, { destination, source }: ProxyFacts): number {
  switch (protocolOf(source, destination)) {
    case 'ipv4':
      into[13] = OVER_IPV4
      return writePorts(into, writeHosts(into, source, destination, 4), source, destination)
    case 'ipv6':
      into[13] = OVER_IPV6
      return writePorts(into, writeHosts(into, source, destination, 16), source, destination)
    case 'unix':
      into[13] = OVER_UNIX
      return writeHosts(into, source, destination, PATH_BYTES)
    case 'none':
      into[13] = UNSPECIFIED
      return PREFIX_BYTES
  }
}

function writeHosts(into: Uint8Array, source: ProxyEnd, destination: ProxyEnd, byteCount: number): number {
  writeHost(into, PREFIX_BYTES, source, byteCount)
  writeHost(into, PREFIX_BYTES + byteCount, destination, byteCount)
  return PREFIX_BYTES + 2 * byteCount
}

function writeHost(into: Uint8Array, at: number, { family, host }: ProxyEnd, byteCount: number): void {
  const isMapped = family === 'ipv4' && byteCount === 16
  for (let i = 0; i < byteCount; i++) into[at + i] = isMapped ? mappedByte(host, i) : (host[i] as number)
}

/** RFC 4291, 2.5.5.2. */
function mappedByte(host: Uint8Array, i: number): number {
  if (i >= 12) return host[i - 12] as number
  return i < 10 ? 0 : 0xff
}

function writePorts(into: Uint8Array, at: number, source: ProxyEnd, destination: ProxyEnd): number {
  writeNumber(into, at, source.port, 2)
  writeNumber(into, at + 2, destination.port, 2)
  return at + 4
}

/** Returns where the value ends: at `at` if there is nothing to say. */
function writeTlv(into: Uint8Array, at: number, tlv: ProxyTlv, facts: ProxyFacts): number {
  switch (tlv) {
    case 'authority':
      return writeText(into, at, AUTHORITY, facts.serverName)
    case 'alpn':
      return writeText(into, at, ALPN, facts.alpn)
    case 'unique-id':
      return writeText(into, at, UNIQUE_ID, facts.uniqueId)
    case 'ssl':
      return writeSsl(into, at, facts.tls)
    case 'crc32c':
      writeNumber(into, at + TLV_PREFIX_BYTES, 0, 4)
      return endTlv(into, at, CRC32C, at + TLV_PREFIX_BYTES + 4)
  }
}

/** Also of clients without TLS, so that a server can tell those from a relay that does not send it. */
function writeSsl(into: Uint8Array, at: number, tls: ProxyTls | undefined): number {
  const valueAt = at + TLV_PREFIX_BYTES
  into[valueAt] = clientBits(tls)
  // Zero: a certificate was presented and verified.
  writeNumber(into, valueAt + 1, tls?.commonName === undefined ? 1 : 0, 4)
  let end = valueAt + 5
  if (tls !== undefined) {
    end = writeText(into, end, SSL_VERSION, tls.version)
    end = writeText(into, end, SSL_CIPHER, tls.cipher)
    end = writeText(into, end, SSL_CN, tls.commonName ?? '')
  }
  return endTlv(into, at, SSL, end)
}

function clientBits(tls: ProxyTls | undefined): number {
  if (tls === undefined) return 0
  if (tls.commonName === undefined) return CLIENT_SSL
  return CLIENT_SSL | CERTIFICATE_IN_SESSION | (tls.isResumed ? 0 : CERTIFICATE_ON_CONNECTION)
}

function writeText(into: Uint8Array, at: number, type: number, text: string): number {
  if (text === '') return at
  const valueAt = at + TLV_PREFIX_BYTES
  const { read, written } = encoder.encodeInto(text, into.subarray(valueAt, valueAt + TEXT_BYTES_MAX))
  return read < text.length ? at : endTlv(into, at, type, valueAt + written)
}

/** Writes type and length before a value that ends at `end`; returns `end`. */
function endTlv(into: Uint8Array, at: number, type: number, end: number): number {
  into[at] = type
  writeNumber(into, at + 1, end - at - TLV_PREFIX_BYTES, 2)
  return end
}

/** In network byte order. */
function writeNumber(into: Uint8Array, at: number, value: number, byteCount: number): void {
  for (let i = 0; i < byteCount; i++) into[at + i] = (value >>> (8 * (byteCount - 1 - i))) & 0xff
}
