/**
 * Redis by its first command: an array of bulk strings (RESP specification, "Sending commands to a Redis server"), or
 * one of the inline commands that a connection begins with.
 */
import { type Answer, MORE, NO, YES } from './answer.js'
import { byteAt, isControl, latinBytes } from './read.js'

/** Inline commands are lines for people and for health checks, so they are short. */
export const REDIS_BYTES_MAX = 256

const ASTERISK = 42
const DOLLAR = 36
const CR = 13
const LF = 10
const SP = 32
/** The server's maximum, INT_MAX, has 10 digits. */
const COUNT_DIGITS_MAX = 10

/**
 * Inline commands that a connection may begin with. Others are not matched: the text protocols have too many words in
 * common. These are the form of an HTTP request line too, so HTTP is asked first where both are wanted.
 */
const PING = latinBytes('PING')
const AUTH = latinBytes('AUTH')
const HELLO = latinBytes('HELLO')

export function sniffRedis(bytes: Uint8Array, from: number, byteCount: number): Answer {
  if (byteCount < 1) return MORE
  return byteAt(bytes, from) === ASTERISK
    ? sniffArray(bytes, from, byteCount)
    : sniffInline(bytes, from, byteCount)
}

/** `*2\r\n$`. An empty or null array is no command. */
function sniffArray(bytes: Uint8Array, from: number, byteCount: number): Answer {
  let digits = 0
  while (digits + 1 < byteCount && isDigit(byteAt(bytes, from + 1 + digits), digits)) {
    digits++
    if (digits > COUNT_DIGITS_MAX) return NO
  }
  const end = from + 1 + digits
  const left = byteCount - 1 - digits
  if (left === 0) return MORE
  if (digits === 0 || byteAt(bytes, end) !== CR) return NO
  if (left >= 2 && byteAt(bytes, end + 1) !== LF) return NO
  if (left < 3) return MORE
  return byteAt(bytes, end + 2) === DOLLAR ? YES : NO
}

/** The first digit is not 0: the server accepts no leading zeros. */
function isDigit(byte: number, before: number): boolean {
  return byte <= 57 && byte >= (before === 0 ? 49 : 48)
}

/** A whole line: `PING`, `AUTH` with arguments, or `HELLO` with a version. */
function sniffInline(bytes: Uint8Array, from: number, byteCount: number): Answer {
  const end = from + Math.min(byteCount, REDIS_BYTES_MAX)
  const first = byteAt(bytes, from) & 0xdf
  const command = first === PING[0] ? PING : first === AUTH[0] ? AUTH : HELLO
  const wordEnd = from + command.length
  for (let at = from; at < Math.min(wordEnd, end); at++) {
    if ((byteAt(bytes, at) & 0xdf) !== command[at - from]) return NO
  }
  if (end <= wordEnd) return MORE
  if (command !== PING) {
    if (byteAt(bytes, wordEnd) !== SP) return NO
    if (end === wordEnd + 1) return MORE
    const argument = byteAt(bytes, wordEnd + 1)
    if (command === HELLO ? !isDigit(argument, 0) : argument <= SP) return NO
  }
  return findLineEnd(bytes, command === PING ? wordEnd : wordEnd + 2, end, command === PING, byteCount)
}

/** `isEmpty`: nothing may come before the end. */
function findLineEnd(
  bytes: Uint8Array,
  from: number,
  end: number,
  isEmpty: boolean,
  byteCount: number,
): Answer {
  for (let at = from; at < end; at++) {
    const byte = byteAt(bytes, at)
    if (byte === LF) return YES
    if (byte === CR) {
      if (at + 1 < end) return byteAt(bytes, at + 1) === LF ? YES : NO
    } else if (isEmpty || isControl(byte)) return NO
  }
  return byteCount < REDIS_BYTES_MAX ? MORE : NO
}
