import type { ByteString } from '../base/byte-string.js'
import { decodeLines, encodeLines, type Values } from './mavis-lines.js'

/**
 * Of a question or an answer. The buffers of event-driven-servers have as many (`mavis/libmavis_external.c`), so a
 * helper that was written for them sends and expects no more.
 */
export const TEXT_BYTES_MAX = 66_536

/** An answer in pieces has this much at first; most need no more. */
const FIRST_BYTES = 1_024

/** Arguments of one call. */
const CHUNK_BYTES = 4_096

const LINE_END = 10
const EQUALS = 61

/** The last one of an answer. */
const CODE_LINE = /^=[\d-]*\d$/

/** The question to a helper that is asked one at a time: `NUMBER VALUE` lines, and a line with `=` alone. */
export function encodeQuestion(values: Values): ByteString {
  return `${encodeLines(values)}=\n`
}

export interface HelperAnswer {
  readonly kind: 'answer'
  readonly values: (ByteString | undefined)[]
  /** As it was sent: any whole number. Undefined: what was sent is none. */
  readonly code: number | undefined
  /** Bytes behind the answer, which nobody has asked for. */
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

/** Reads one answer, in however many pieces it comes: `NUMBER VALUE` lines, then `=CODE`. */
export class AnswerReader {
  #bytes = new Uint8Array(FIRST_BYTES)
  #byteLength = 0
  /** Where the line begins that is not whole yet. */
  #lineStart = 0

  /** Bytes that came. Nothing is pushed behind an answer, or what is none, before `clear`. */
  push(bytes: Uint8Array): AnswerReading {
    const from = this.#byteLength
    const isTooLong = from + bytes.length > TEXT_BYTES_MAX
    this.#keep(isTooLong ? bytes.subarray(0, TEXT_BYTES_MAX - from) : bytes)
    const reading = this.#read(from)
    if (reading === NEED_MORE && isTooLong) return TOO_LONG
    if (reading.kind !== 'answer') return reading
    return { ...reading, surplusBytes: from + bytes.length - this.#lineStart }
  }

  /** Of what is no answer: the first line that makes it so, as far as it has come. */
  get badLine(): ByteString {
    const lines = byteStringOf(this.#bytes.subarray(0, this.#byteLength)).split('\n')
    const isBad = (line: ByteString, at: number) =>
      line.startsWith('=') ? at === 0 || !CODE_LINE.test(line) : decodeLines(line) === undefined
    return lines.find(isBad) ?? ''
  }

  /** Ready for another answer. */
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

  /** Looks at the lines that have become whole; `from`: there were no more bytes before. */
  #read(from: number): AnswerReading {
    for (let lookFrom = from; ; lookFrom = this.#lineStart) {
      const start = this.#lineStart
      const end = this.#bytes.subarray(0, this.#byteLength).indexOf(LINE_END, lookFrom)
      // Garbage is known by its first byte; nobody has to wait for its line end.
      if (start < this.#byteLength && !this.#mayBegin(start)) return MALFORMED
      if (end < 0) return NEED_MORE
      this.#lineStart = end + 1
      if (this.#bytes[start] === EQUALS) return this.#readWhole(start, end)
    }
  }

  #mayBegin(lineStart: number): boolean {
    const first = this.#bytes[lineStart] as number
    // An answer has at least one attribute: the end before it is the end of none.
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

/** As atoi(3) reads it: what follows the first number does not count. */
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
