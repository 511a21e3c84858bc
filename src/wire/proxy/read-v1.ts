/** Version 1 of the PROXY protocol: one line of text (section 2.1). */
import { hostBytes, parseHostLiteral } from '../../base/address.js'
import { INCOMPLETE, malformed, type ProxyHeader } from './header.js'

/** Longest line with its CRLF. */
export const V1_BYTES_MAX = 107

const CR = 0x0d
const LF = 0x0a

/** After `PROXY `: both addresses, then both ports. One space between words, no leading zeros. */
const IPV4 = /^TCP4 (\d+(?:\.\d+){3}) (\d+(?:\.\d+){3}) (\d{1,5}) (\d{1,5})$/
const IPV6 = /^TCP6 ([\da-fA-F:.]+) ([\da-fA-F:.]+) (\d{1,5}) (\d{1,5})$/
/** What follows the word is to be ignored. */
const UNKNOWN = /^UNKNOWN(?: |$)/

const AFTER_SIGNATURE = 'PROXY '.length

/** `byteCount`: at most V1_BYTES_MAX. Returns the length of the line. */
export function readV1(bytes: Uint8Array, byteCount: number, header: ProxyHeader): number {
  let end = AFTER_SIGNATURE
  while (end < byteCount && bytes[end] !== LF) end++
  if (end === byteCount) {
    return byteCount < V1_BYTES_MAX ? INCOMPLETE : malformed(header, 'line longer than 107 bytes')
  }
  if (bytes[end - 1] !== CR) return malformed(header, 'line does not end with CRLF')
  const line = String.fromCharCode(...bytes.subarray(AFTER_SIGNATURE, end - 1))
  return readLine(line, header) ? end + 1 : malformed(header, 'invalid line of version 1')
}

function readLine(line: string, header: ProxyHeader): boolean {
  if (UNKNOWN.test(line)) return true
  const family = line.startsWith('TCP4') ? 'ipv4' : 'ipv6'
  const [, source = '', destination = '', sourcePort = '', destinationPort = ''] =
    (family === 'ipv4' ? IPV4 : IPV6).exec(line) ?? []
  const [host, place] = [bytesOf(source, family), bytesOf(destination, family)]
  const [port, placePort] = [portOf(sourcePort), portOf(destinationPort)]
  if (host === undefined || place === undefined || port === undefined || placePort === undefined) return false
  header.source = family
  header.host.set(host)
  header.port = port
  header.destination.set(place)
  header.destinationPort = placePort
  return true
}

function bytesOf(text: string, family: 'ipv4' | 'ipv6'): Uint8Array | undefined {
  // A leading zero could mean an octal number.
  if (family === 'ipv4' && /(?:^|\.)0\d/.test(text)) return undefined
  const literal = parseHostLiteral(text)
  return literal?.family === family ? hostBytes(literal.host) : undefined
}

function portOf(text: string): number | undefined {
  const port = Number(text)
  return text === String(port) && port <= 0xffff ? port : undefined
}
