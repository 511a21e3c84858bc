/** The text protocol between MAVIS modules and helpers that answer one query at a time. */
import type { ByteString } from '../base/byte-string.js'
import { decodeLines, encodeLines, type Values } from './mavis-lines.js'

/**
 * Limit of a query or answer: the buffer size of event-driven-servers (`mavis/libmavis_external.c`), which helpers written
 * for it neither exceed nor expect to be exceeded.
 */
export const TEXT_BYTES_MAX = 66_536

/** Initial buffer for an answer; most need no more. */
const FIRST_BYTES = 1_024

/** Arguments of one `String.fromCharCode` call: far below the limit of the stack. */
const CHUNK_BYTES = 4_096

const LINE_END = 10
const EQUALS = 61

/** The last line of an answer: `=` and a code. */
const CODE_LINE = /^=[\d-]*\d$/

/** Encodes a query: `NUMBER VALUE` lines, then a line with `=` alone. */
export function encodeQuery(values: Values): ByteString {
  return `${encodeLines(values)}=\n`
}

export interface HelperAnswer {
  readonly kind: 'answer'
  readonly values: (ByteString | undefined)[]
  /** Any integer, as it was sent; undefined when it is no number. */
  readonly code: number | undefined
  /** Unexpected bytes after the answer. */
  readonly surplusBytes: number
}

export type AnswerReading =
  | { readonly kind: 'need-more' }
  | HelperAnswer
  | { readonly kind: 'too-long' }
  | { readonly kind: 'malformed' }

const NEED_MORE: AnswerReading = { kind: 'need-more' }
const TOO_LONG: AnswerReading = { kind: 'too-long' }
const MALFORMED: AnswerReading = { kind: 'malformed' }

/** Reads one answer from chunks of any size: `NUMBER VALUE` lines, then `=CODE`. */
export class AnswerReader {
  #bytes = new Uint8Array(FIRST_BYTES)
  #byteLength = 0
  /** Start of the incomplete line. */
  #lineStart = 0

  /** Takes a chunk. After an answer or an error, `clear` must be called before the next chunk. */
  push(bytes: Uint8Array): AnswerReading {
    const from = this.#byteLength
    const isTooLong = from + bytes.length > TEXT_BYTES_MAX
    this.#keep(isTooLong ? bytes.subarray(0, TEXT_BYTES_MAX - from) : bytes)
    const reading = this.#read(from)
    if (reading === NEED_MORE && isTooLong) return TOO_LONG
    if (reading.kind !== 'answer') return reading
    return { ...reading, surplusBytes: from + bytes.length - this.#lineStart }
  }

  /** The first malformed line, as far as it was received. */
  get badLine(): ByteString {
    const lines = byteStringOf(this.#bytes.subarray(0, this.#byteLength)).split('\n')
    const isBad = (line: ByteString, at: number) =>
      line.startsWith('=') ? at === 0 || !CODE_LINE.test(line) : decodeLines(line) === undefined
    return lines.find(isBad) ?? ''
  }

  /** Makes the reader ready for another answer. */
  clear(): void {
    this.#byteLength = 0
    this.#lineStart = 0
  }

  #keep(bytes: Uint8Array): void {
    const neededBytes = this.#byteLength + bytes.length
    if (neededBytes > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(TEXT_BYTES_MAX, Math.max(neededBytes, this.#bytes.length * 2)))
      larger.set(this.#bytes.subarray(0, this.#byteLength))
      this.#bytes = larger
    }
    this.#bytes.set(bytes, this.#byteLength)
    this.#byteLength = neededBytes
  }

  /** Reads the lines that are complete. `from`: the number of bytes before this chunk. */
  #read(from: number): AnswerReading {
    for (let lookFrom = from; ; lookFrom = this.#lineStart) {
      const start = this.#lineStart
      const end = this.#bytes.subarray(0, this.#byteLength).indexOf(LINE_END, lookFrom)
      // The first byte of a line already shows garbage: do not wait for the line end.
      if (start < this.#byteLength && !this.#mayBegin(start)) return MALFORMED
      if (end < 0) return NEED_MORE
      this.#lineStart = end + 1
      if (this.#bytes[start] === EQUALS) return this.#readWhole(start, end)
    }
  }

  #mayBegin(lineStart: number): boolean {
    const first = this.#bytes[lineStart] as number
    // An answer has at least one attribute, so `=` cannot be its first line.
    return isDigit(first) || (first === EQUALS && lineStart > 0)
  }

  #readWhole(lineStart: number, end: number): AnswerReading {
    const last = byteStringOf(this.#bytes.subarray(lineStart, end))
    if (!CODE_LINE.test(last)) return MALFORMED
    const values = decodeLines(byteStringOf(this.#bytes.subarray(0, lineStart)))
    return values === undefined
      ? MALFORMED
      : { kind: 'answer', values, code: codeOf(last.slice(1)), surplusBytes: 0 }
  }
}

/** Reads a number as atoi(3) does: characters after it are ignored. */
function codeOf(text: string): number | undefined {
  const [number] = /^-?\d{1,9}/.exec(text) ?? []
  return number === undefined ? undefined : Number(number)
}

const isDigit = (byte: number) => byte >= 48 && byte <= 57

export function byteStringOf(bytes: Uint8Array): ByteString {
  let text = ''
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK_BYTES))
  return text
}
