/**
 * SOCKS by its first request: version 5 (RFC 1928, section 3), version 4 ("SOCKS: A protocol for TCP proxy across
 * firewalls") and its extension 4A, in which the server resolves the name.
 */
import { type Answer, MORE, NO, YES } from './answer.js'
import { byteAt, isControl, longAt, shortAt } from './read.js'

/** Bytes of a user id or name, with the NUL that ends it. */
const TEXT_BYTES_MAX = 256
const VERSION_4_HEAD_BYTES = 8

/** A request of version 4A with both texts; version 5 has at most 257 bytes. */
export const SOCKS_BYTES_MAX = VERSION_4_HEAD_BYTES + 2 * TEXT_BYTES_MAX

const VERSION_4 = 4
const VERSION_5 = 5
const CONNECT = 1
const BIND = 2
/** 0.0.0.255: an address in 0.0.0.0/24 says that a name follows. */
const NAMED_ADDRESS_MAX = 255
/** "No acceptable methods": only servers say so. */
const NO_METHOD = 0xff

/** Methods seen in the current greeting, one bit each. Only used within a call. */
const seen = new Uint32Array(8)

export function sniffSocks(bytes: Uint8Array, from: number, byteCount: number): Answer {
  if (byteCount < 1) return MORE
  const version = byteAt(bytes, from)
  if (version === VERSION_5) return sniffVersion5(bytes, from, byteCount)
  return version === VERSION_4 ? sniffVersion4(bytes, from, byteCount) : NO
}

/**
 * The greeting: the number of methods and each of them. Three bytes may be all there is of it, so a method that is
 * there twice makes it something else: no client sends that, and other binary protocols repeat zeros.
 */
function sniffVersion5(bytes: Uint8Array, from: number, byteCount: number): Answer {
  if (byteCount < 2) return MORE
  const methods = byteAt(bytes, from + 1)
  if (methods === 0) return NO
  seen.fill(0)
  const there = Math.min(byteCount - 2, methods)
  for (let i = 0; i < there; i++) {
    const method = byteAt(bytes, from + 2 + i)
    const word = method >> 5
    const bit = 1 << (method & 31)
    const before = seen[word] as number
    if (method === NO_METHOD || (before & bit) !== 0) return NO
    seen[word] = before | bit
  }
  return there < methods ? MORE : YES
}

/** Command, port, address, user id; then the name, if the address is one of 0.0.0.1 to 0.0.0.255. */
function sniffVersion4(bytes: Uint8Array, from: number, byteCount: number): Answer {
  if (byteCount < 2) return MORE
  const command = byteAt(bytes, from + 1)
  if (command !== CONNECT && command !== BIND) return NO
  if (byteCount < 4) return MORE
  if (shortAt(bytes, from + 2) === 0) return NO
  if (byteCount < VERSION_4_HEAD_BYTES) return MORE
  const address = longAt(bytes, from + 4)
  if (address === 0) return NO
  const end = from + byteCount
  const user = from + VERSION_4_HEAD_BYTES
  const userBytes = textBytes(bytes, user, end)
  if (userBytes <= 0) return outcomeOf(userBytes)
  if (address > NAMED_ADDRESS_MAX) return YES
  const nameBytes = textBytes(bytes, user + userBytes, end)
  // A name has at least one character before its NUL.
  return nameBytes > 1 ? YES : nameBytes === 1 ? NO : outcomeOf(nameBytes)
}

const UNFINISHED = 0
const MALFORMED = -1

/** Bytes of a text with its NUL, UNFINISHED or MALFORMED. */
function textBytes(bytes: Uint8Array, from: number, end: number): number {
  const textEnd = Math.min(end, from + TEXT_BYTES_MAX)
  for (let at = from; at < textEnd; at++) {
    const byte = byteAt(bytes, at)
    if (byte === 0) return at + 1 - from
    if (isControl(byte)) return MALFORMED
  }
  return textEnd - from === TEXT_BYTES_MAX ? MALFORMED : UNFINISHED
}

function outcomeOf(textLength: number): Answer {
  return textLength === UNFINISHED ? MORE : NO
}
