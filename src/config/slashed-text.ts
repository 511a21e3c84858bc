/** Reads patterns between slashes. */
import type { Cursor } from './cursor.js'

const SLASH = 0x2f
const BACKSLASH = 0x5c
const ESCAPED: ReadonlySet<number> = new Set([SLASH, BACKSLASH])
const LINE_ENDS: ReadonlySet<number> = new Set([0x0a, 0x0d, -1])

export interface SlashedText {
  readonly bytes: readonly number[]
  /** False if the line ended before the closing slash. */
  readonly isClosed: boolean
}

/**
 * Reads `/…/` from the opening slash to after the closing one; keeps `bytesMax + 1` bytes, so that excess is
 * detected. A backslash is removed before a slash and, as in the original, before another backslash.
 */
export function readSlashed(cursor: Cursor, bytesMax: number): SlashedText {
  const bytes: number[] = []
  cursor.step()
  while (cursor.byte !== SLASH && !LINE_ENDS.has(cursor.byte)) {
    if (cursor.byte === BACKSLASH) {
      cursor.step()
      // Other escapes are left to the pattern compiler.
      if (!ESCAPED.has(cursor.byte)) bytes.push(BACKSLASH)
      if (LINE_ENDS.has(cursor.byte)) break
    }
    bytes.push(cursor.byte)
    cursor.step()
    if (bytes.length > bytesMax) bytes.length = bytesMax + 1
  }
  const isClosed = cursor.byte === SLASH
  if (isClosed) cursor.step()
  return { bytes, isClosed }
}
