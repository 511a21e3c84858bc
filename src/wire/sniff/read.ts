/** Numbers and constant prefixes in the first bytes of a client. The caller checks the bounds. */
import { type Answer, MORE, NO, YES } from './answer.js'

export function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}

/** Two bytes in network byte order. */
export function shortAt(bytes: Uint8Array, at: number): number {
  return byteAt(bytes, at) * 256 + byteAt(bytes, at + 1)
}

/** Four bytes in network byte order, without a sign. */
export function longAt(bytes: Uint8Array, at: number): number {
  return shortAt(bytes, at) * 65_536 + shortAt(bytes, at + 2)
}

/** Whether the bytes begin with `prefix`; MORE: they are a part of it so far. */
export function beginsWith(bytes: Uint8Array, from: number, byteCount: number, prefix: Uint8Array): Answer {
  const compared = Math.min(byteCount, prefix.length)
  for (let i = 0; i < compared; i++) if (bytes[from + i] !== prefix[i]) return NO
  return compared < prefix.length ? MORE : YES
}

/** The bytes of a text with one character per byte. */
export function latinBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

/** A control character of ASCII: no protocol here has one within its texts. */
export function isControl(byte: number): boolean {
  return byte < 0x20 || byte === 0x7f
}
