/** Helpers of the openings: searching in bytes, and ASCII text as bytes. */

const CASE = 0x20

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0))
}

/** Where `sought` begins between `start` and `end`; -1 if it is not there. */
export function findBytes(bytes: Uint8Array, sought: Uint8Array, start: number, end: number): number {
  for (let at = start; at + sought.length <= end; at++) if (beginsWith(bytes, sought, at, end)) return at
  return -1
}

/** Whether `sought` is at `start`, as far as there are bytes. */
export function mayBegin(bytes: Uint8Array, sought: Uint8Array, start: number, end: number): boolean {
  return beginsWith(bytes, sought.subarray(0, Math.min(sought.length, end - start)), start, end)
}

/** Whether `sought` is at `start`. */
export function beginsWith(bytes: Uint8Array, sought: Uint8Array, start: number, end: number): boolean {
  if (start + sought.length > end) return false
  for (let i = 0; i < sought.length; i++) if (bytes[start + i] !== sought[i]) return false
  return true
}

/** The same without regard to case; `sought` is in upper case. */
export function mayBeginWord(bytes: Uint8Array, sought: Uint8Array, start: number, end: number): boolean {
  const length = Math.min(sought.length, end - start)
  for (let i = 0; i < length; i++) if (upper(bytes[start + i] as number) !== sought[i]) return false
  return true
}

export function beginsWithWord(bytes: Uint8Array, sought: Uint8Array, start: number, end: number): boolean {
  return start + sought.length <= end && mayBeginWord(bytes, sought, start, end)
}

function upper(byte: number): number {
  return byte >= 0x61 && byte <= 0x7a ? byte - CASE : byte
}

/** Behind the line that begins at `start`; -1: it is not complete. */
export function lineEnd(bytes: Uint8Array, start: number, end: number): number {
  const at = bytes.subarray(start, end).indexOf(0x0a)
  return at < 0 ? -1 : start + at + 1
}
