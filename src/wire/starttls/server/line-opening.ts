/** The plain opening of a line-based protocol: splits the input into lines and answers each of them. */
import type { ByteString } from '../../../base/byte-string.js'
import {
  BYTES_BEHIND,
  COMMANDS_MAX,
  goOn,
  type Next,
  OPENING_BYTES_MAX,
  type PlainOpening,
  refuse,
  type Step,
  TOO_LONG,
  TOO_MANY,
  WITHOUT_TLS,
} from './plain-opening.js'

export interface Answer {
  readonly reply: ByteString
  readonly next: Next
}

/** The commands of a protocol before TLS. */
export interface LineDialogue {
  readonly greeting: ByteString
  /** `line`: without its end. */
  answer(line: ByteString): Answer
}

const LF = 0x0a

export class LineOpening implements PlainOpening {
  readonly greeting: ByteString
  readonly #dialogue: LineDialogue
  /** The part of a line that has come. */
  #line: ByteString = ''
  #byteCount = 0
  #commands = 0

  constructor(dialogue: LineDialogue) {
    this.greeting = dialogue.greeting
    this.#dialogue = dialogue
  }

  take(bytes: Uint8Array, byteCount: number): Step {
    this.#byteCount += byteCount
    let replies = ''
    for (let at = 0; at < byteCount; at++) {
      const byte = bytes[at] as number
      if (byte !== LF) {
        this.#line += String.fromCharCode(byte)
        continue
      }
      const { next, reply } = this.#answer()
      replies += reply
      if (next === 'go-on' && ++this.#commands === COMMANDS_MAX) return refuse(byteCount, replies, TOO_MANY)
      if (next === 'refuse') return refuse(byteCount, replies, WITHOUT_TLS)
      if (next === 'leave') return { taken: byteCount, reply: replies, next, why: '' }
      if (next === 'tls') {
        const isLast = at + 1 === byteCount
        return isLast
          ? { taken: byteCount, reply: replies, next, why: '' }
          : refuse(byteCount, '', BYTES_BEHIND)
      }
    }
    return this.#byteCount > OPENING_BYTES_MAX
      ? refuse(byteCount, replies, TOO_LONG)
      : goOn(byteCount, replies)
  }

  #answer(): Answer {
    const line = this.#line.endsWith('\r') ? this.#line.slice(0, -1) : this.#line
    this.#line = ''
    return this.#dialogue.answer(line)
  }
}

/** The first word of a command in upper case, and the rest of the line. */
export function wordOf(line: ByteString): readonly [word: string, rest: string] {
  const at = line.indexOf(' ')
  return at < 0 ? [line.toUpperCase(), ''] : [line.slice(0, at).toUpperCase(), line.slice(at + 1).trim()]
}
