/** Reads and writes quoted text: escapes, octal bytes, environment variables. */
import { Buffer } from 'node:buffer'
import type { Cursor } from './cursor.js'
import type { Flaw } from './token.js'

const BACKSLASH = 0x5c
const DOLLAR = 0x24
const BRACE_OPEN = 0x7b
const BRACE_CLOSE = 0x7d
const CARRIAGE_RETURN = 0x0d
const LINE_FEED = 0x0a
/** Bounds the search for the `}` of `${NAME}`. */
const VARIABLE_NAME_MAX = 256

// biome-ignore format: one line reads as the table it is
const ESCAPES: Readonly<Record<string, number>> = {
  a: 0x07, b: 0x08, e: 0x1b, t: 0x09, n: 0x0a, v: 0x0b, f: 0x0c, r: 0x0d, '\\': 0x5c, '"': 0x22, "'": 0x27,
}

export interface QuotedText {
  readonly bytes: readonly number[]
  readonly flaw: Flaw | undefined
  /** False if the file ended before the closing quote. */
  readonly isClosed: boolean
}

/** Reads from the opening quote to after the closing one; keeps `bytesMax + 1` bytes, so that excess is detected. */
export function readQuoted(
  cursor: Cursor,
  environment: ReadonlyMap<string, string>,
  bytesMax: number,
): QuotedText {
  // The same kind of quote closes it; the other kind is literal.
  const quote = cursor.byte
  const bytes: number[] = []
  let flaw: Flaw | undefined
  cursor.step()
  while (cursor.byte !== quote && cursor.byte !== -1) {
    if (cursor.byte === BACKSLASH) {
      const found = readEscape(cursor, bytes)
      flaw ??= found
    } else if (cursor.byte !== DOLLAR || !readVariable(cursor, environment, bytes)) {
      bytes.push(cursor.byte)
      cursor.step()
    }
    // Cut at each step, so that an unclosed quote does not collect the rest of a large file.
    if (bytes.length > bytesMax) bytes.length = bytesMax + 1
  }
  const isClosed = cursor.byte === quote
  if (isClosed) cursor.step()
  return { bytes, flaw, isClosed }
}

/** Quotes text so that it reads back unchanged, on one line. */
export function quote(text: string): string {
  const octal = (character: string) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`
  return `"${text
    .replace(/[\\"]/g, '\\$&')
    .replace(/[\u0000-\u001f\u007f]/g, octal)
    .replaceAll('${', '$\\173')}"`
}

function readEscape(cursor: Cursor, bytes: number[]): Flaw | undefined {
  const position = cursor.position()
  cursor.step()
  const character = String.fromCharCode(Math.max(0, cursor.byte))
  if (/[0-7]/.test(character)) {
    bytes.push(readOctal(cursor))
    return undefined
  }
  const isLineEnd = cursor.byte === CARRIAGE_RETURN && cursor.byteAfter(1) === LINE_FEED
  cursor.step(cursor.byte === -1 ? 0 : isLineEnd ? 2 : 1)
  const byte = ESCAPES[character]
  if (byte !== undefined) bytes.push(byte)
  // A backslash at the end of a line joins it with the next.
  if (byte !== undefined || isLineEnd || character === '\n') return undefined
  return { severity: 'warning', position, message: `unknown escape '\\${character}' is ignored` }
}

function readOctal(cursor: Cursor): number {
  let value = 0
  for (let digits = 0; digits < 3 && cursor.byte >= 0x30 && cursor.byte <= 0x37; digits++) {
    value = value * 8 + (cursor.byte - 0x30)
    cursor.step()
  }
  // Three octal digits reach 0o777; as in C, the value is cut to a byte.
  return value & 0xff
}

/** Expands `${NAME}` if the variable is set. False: nothing was consumed, the `$` is literal. */
function readVariable(cursor: Cursor, environment: ReadonlyMap<string, string>, bytes: number[]): boolean {
  if (cursor.byteAfter(1) !== BRACE_OPEN) return false
  const start = cursor.offset + 2
  const end = cursor.bytes.subarray(start, start + VARIABLE_NAME_MAX).indexOf(BRACE_CLOSE)
  if (end < 0) return false
  const value = environment.get(Buffer.from(cursor.bytes.subarray(start, start + end)).toString())
  if (value === undefined) return false
  for (const byte of Buffer.from(value)) bytes.push(byte)
  cursor.step(2 + end + 1)
  return true
}
