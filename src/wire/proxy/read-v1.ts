/** Version 1 of the PROXY protocol: one line of text (section 2.1). */
import { INCOMPLETE, malformed, type ProxyHeader } from './header.js'
import { decimalIn, readIpv4, readIpv6 } from './read-address.js'

/** Longest line with its CRLF. */
export const V1_BYTES_MAX = 107

const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20

const AFTER_SIGNATURE = 'PROXY '.length

const TCP4 = Uint8Array.of(0x54, 0x43, 0x50, 0x34)
const TCP6 = Uint8Array.of(0x54, 0x43, 0x50, 0x36)
const UNKNOWN = Uint8Array.of(0x55, 0x4e, 0x4b, 0x4e, 0x4f, 0x57, 0x4e)

const PORT_MAX = 0xffff

/** `byteCount`: at most V1_BYTES_MAX. Returns the length of the line. */
export function readV1(bytes: Uint8Array, byteCount: number, header: ProxyHeader): number {
  let end = AFTER_SIGNATURE
  while (end < byteCount && bytes[end] !== LF) end++
  if (end === byteCount) {
    return byteCount < V1_BYTES_MAX ? INCOMPLETE : malformed(header, 'line longer than 107 bytes')
  }
  if (bytes[end - 1] !== CR) return malformed(header, 'line does not end with CRLF')
  return readLine(bytes, end - 1, header) ? end + 1 : malformed(header, 'invalid line of version 1')
}

/** `end`: that of the last word. */
function readLine(bytes: Uint8Array, end: number, header: ProxyHeader): boolean {
  const familyEnd = wordEnd(bytes, AFTER_SIGNATURE, end)
  // What follows this word is to be ignored.
  if (isWord(bytes, familyEnd, UNKNOWN)) return true
  const isIpv4 = isWord(bytes, familyEnd, TCP4)
  return (isIpv4 || isWord(bytes, familyEnd, TCP6)) && readEnds(bytes, familyEnd + 1, end, isIpv4, header)
}

/** Both addresses, then both ports: one space between words, and nothing behind the last one. */
function readEnds(bytes: Uint8Array, at: number, end: number, isIpv4: boolean, header: ProxyHeader): boolean {
  const readHost = isIpv4 ? readIpv4 : readIpv6
  const sourceEnd = wordEnd(bytes, at, end)
  const destinationEnd = wordEnd(bytes, sourceEnd + 1, end)
  const portEnd = wordEnd(bytes, destinationEnd + 1, end)
  if (!readHost(bytes, at, sourceEnd, header.host)) return false
  if (!readHost(bytes, sourceEnd + 1, destinationEnd, header.destination)) return false
  header.port = decimalIn(bytes, destinationEnd + 1, portEnd, PORT_MAX)
  header.destinationPort = decimalIn(bytes, portEnd + 1, end, PORT_MAX)
  if (header.port < 0 || header.destinationPort < 0) return false
  header.source = isIpv4 ? 'ipv4' : 'ipv6'
  return true
}

/** The next space from `at` on, or `end`. */
function wordEnd(bytes: Uint8Array, at: number, end: number): number {
  let i = at
  while (i < end && bytes[i] !== SPACE) i++
  return i
}

/** Whether the first word of the line, which ends at `end`, is `word`. */
function isWord(bytes: Uint8Array, end: number, word: Uint8Array): boolean {
  if (end - AFTER_SIGNATURE !== word.length) return false
  for (let i = 0; i < word.length; i++) if (bytes[AFTER_SIGNATURE + i] !== word[i]) return false
  return true
}
