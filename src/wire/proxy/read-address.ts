/**
 * Reads IP addresses and ports as text from bytes; addresses in the forms of inet_pton(3). Allocates nothing: where a listener
 * expects headers, each connection begins with two of both.
 */
const ZERO = 0x30
const DOT = 0x2e
const COLON = 0x3a

/** Reads `bytes` from `at` to `end` into four bytes of `into` from `to` on; false if it is no IPv4 address. */
export function readIpv4(bytes: Uint8Array, at: number, end: number, into: Uint8Array, to = 0): boolean {
  let next = at
  for (let i = 0; i < 4; i++) {
    const stop = i === 3 ? end : positionOf(DOT, bytes, next, end)
    const octet = decimalIn(bytes, next, stop, 255)
    if (octet < 0) return false
    into[to + i] = octet
    next = stop + 1
  }
  return true
}

/** Reads 16 bytes into `into`; false if it is no IPv6 address. The last four may be written as an IPv4 address. */
export function readIpv6(bytes: Uint8Array, at: number, end: number, into: Uint8Array): boolean {
  let next = at
  let filled = 0
  /** Where `::` stands. */
  let gapAt = -1
  if (bytes[at] === COLON) {
    if (end - at < 2 || bytes[at + 1] !== COLON) return false
    gapAt = 0
    next = at + 2
  }
  while (next < end) {
    const stop = positionOf(COLON, bytes, next, end)
    const count = readGroup(bytes, next, stop, into, filled, stop === end)
    if (count === 0) return false
    filled += count
    next = stop + 1
    // A colon behind the last group.
    if (next === end) return false
    if (next > end || bytes[next] !== COLON) continue
    if (gapAt >= 0) return false
    gapAt = filled
    next++
  }
  return gapAt < 0 ? filled === 16 : fillGap(into, gapAt, filled)
}

/** The number from `at` to `end`: digits without leading zeros, at most `max`. -1: something else. */
export function decimalIn(bytes: Uint8Array, at: number, end: number, max: number): number {
  const length = end - at
  // Longer numbers could overflow; none here has more than five digits.
  if (length < 1 || length > 5 || (length > 1 && bytes[at] === ZERO)) return -1
  let value = 0
  for (let i = at; i < end; i++) {
    const digit = (bytes[i] as number) - ZERO
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value <= max ? value : -1
}

/** The first `byte` from `at` on, or `end`. */
function positionOf(byte: number, bytes: Uint8Array, at: number, end: number): number {
  let i = at
  while (i < end && bytes[i] !== byte) i++
  return i
}

/** Reads a group of hexadecimal digits, or the IPv4 address that may be the last one. Returns the bytes written; 0: neither. */
function readGroup(
  bytes: Uint8Array,
  at: number,
  end: number,
  into: Uint8Array,
  to: number,
  isLast: boolean,
): number {
  const value = hexIn(bytes, at, end)
  if (value < 0) return isLast && to <= 12 && readIpv4(bytes, at, end, into, to) ? 4 : 0
  if (to > 14) return 0
  into[to] = value >> 8
  into[to + 1] = value & 0xff
  return 2
}

/** The number of one to four hexadecimal digits; -1: something else. */
function hexIn(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || end - at > 4) return -1
  let value = 0
  for (let i = at; i < end; i++) {
    const digit = hexDigit(bytes[i] as number)
    if (digit < 0) return -1
    value = (value << 4) | digit
  }
  return value
}

function hexDigit(byte: number): number {
  if (byte >= ZERO && byte <= 0x39) return byte - ZERO
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** Moves what follows `::` to the end, and writes zeros for at least one group before it. */
function fillGap(into: Uint8Array, gapAt: number, filled: number): boolean {
  if (filled > 14) return false
  const behind = filled - gapAt
  for (let i = 1; i <= behind; i++) into[16 - i] = into[filled - i] as number
  into.fill(0, gapAt, 16 - behind)
  return true
}
