/** HTTP/1.x by its request line (RFC 9112, section 3). */
import { type Answer, MORE, NO, YES } from './answer.js'
import { byteAt, isControl, latinBytes } from './read.js'

/** The longest request line for which a sender may rely on recipients is 8,000 bytes (RFC 9112, section 3). */
export const HTTP_BYTES_MAX = 8_192

/** A server ignores empty lines before the request line (section 2.2); here, this many bytes of CR and LF. */
const BLANK_BYTES_MAX = 4
/** The longest method that IANA lists has 17 bytes. */
const METHOD_BYTES_MAX = 32

/** Methods of RFC 9110, section 9.3, with a target in origin-form, and PATCH (RFC 5789). */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH'].map(latinBytes)
const VERSION = latinBytes(' HTTP/1.')

const LF = 10
const CR = 13
const SP = 32
const SLASH = 47

/** The characters of a token (RFC 9110, section 5.6.2). */
const IS_TOKEN = tokenTable()

function tokenTable(): Uint8Array {
  const table = new Uint8Array(256)
  const signs = "!#$%&'*+-.^_`|~"
  const alphanumeric = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  for (const code of latinBytes(signs + alphanumeric)) table[code] = 1
  return table
}

/**
 * A known method and a path make it HTTP; any other token, and any other target, needs `HTTP/1.` in the line: RTSP
 * and SIP have the same form, and inline commands of Redis have a method's form.
 */
export function sniffHttp(bytes: Uint8Array, from: number, byteCount: number): Answer {
  const end = from + Math.min(byteCount, HTTP_BYTES_MAX)
  const method = skipBlank(bytes, from, end)
  const methodEnd = skipToken(bytes, method, end)
  if (methodEnd === end) return methodEnd - method > METHOD_BYTES_MAX ? NO : MORE
  if (methodEnd === method || methodEnd - method > METHOD_BYTES_MAX) return NO
  if (byteAt(bytes, methodEnd) !== SP) return NO
  const target = methodEnd + 1
  if (target === end) return MORE
  const first = byteAt(bytes, target)
  if (first === SLASH && isKnown(bytes, method, methodEnd)) return YES
  if (first === SP) return NO
  return findVersion(bytes, target, end, byteCount < HTTP_BYTES_MAX)
}

function skipBlank(bytes: Uint8Array, from: number, end: number): number {
  const blankEnd = Math.min(end, from + BLANK_BYTES_MAX)
  let at = from
  while (at < blankEnd && (bytes[at] === CR || bytes[at] === LF)) at++
  return at
}

function skipToken(bytes: Uint8Array, from: number, end: number): number {
  // One byte more than allowed, by which a token that is too long is recognized.
  const tokenEnd = Math.min(end, from + METHOD_BYTES_MAX + 1)
  let at = from
  while (at < tokenEnd && IS_TOKEN[byteAt(bytes, at)] === 1) at++
  return at
}

function isKnown(bytes: Uint8Array, from: number, end: number): boolean {
  for (const method of METHODS) if (isEqual(bytes, from, end, method)) return true
  return false
}

function isEqual(bytes: Uint8Array, from: number, end: number, text: Uint8Array): boolean {
  if (end - from !== text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text[i]) return false
  return true
}

/** Looks for the version in the rest of the line. */
function findVersion(bytes: Uint8Array, target: number, end: number, mayGrow: boolean): Answer {
  let matched = 0
  for (let at = target; at < end; at++) {
    const byte = byteAt(bytes, at)
    if (isControl(byte)) return NO
    // Only the first byte of VERSION is a space, so a mismatch can begin no other match but there.
    if (byte === VERSION[matched]) matched++
    else matched = byte === SP ? 1 : 0
    if (matched === VERSION.length) return YES
  }
  return mayGrow ? MORE : NO
}
