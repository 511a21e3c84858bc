/** Compiled access rules about addresses: plain data that can cross to another thread. */

/** What a list says about a client. */
export type Answer = typeof REJECTS | typeof ADMITS | typeof NO_ANSWER
export const REJECTS = 0
export const ADMITS = 1
/** No rule applies. */
export const NO_ANSWER = 2

/** 32-bit words per address. */
export const WORDS = 4

/** The third word of IPv4-mapped IPv6 addresses (RFC 4291, 2.5.5.2). */
export const MAPPED_WORD = orderly(0x0000_ffff)
export const ZERO_WORD = orderly(0)

/** Ranges of addresses with what is answered about them. */
export interface AccessTable {
  /** First addresses of the ranges, WORDS each, sorted; the first one is the lowest address. */
  readonly starts: Int32Array
  /** By range, an `Answer`. */
  readonly answers: Uint8Array
  /**
   * By range the place of the rejecting rule: the index of its file, -1 if it has no place, and its line. Numbers, because
   * a table may have 100,000 places and goes to every reactor.
   */
  readonly files: readonly string[]
  readonly fileOf: Int32Array
  readonly lineOf: Int32Array
}

/** Without rules every client is admitted. */
export const EVERYBODY: AccessTable = {
  starts: new Int32Array(WORDS).fill(ZERO_WORD),
  answers: Uint8Array.of(ADMITS),
  files: [],
  fileOf: Int32Array.of(-1),
  lineOf: Int32Array.of(0),
}

/** Maps an unsigned 32-bit word to a signed one in the same order, which V8 keeps unboxed. */
export function orderly(word: number): number {
  return word ^ 0x8000_0000
}

export function wordAt(bytes: Uint8Array, at: number): number {
  const upper = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16)
  return orderly(upper | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
}
