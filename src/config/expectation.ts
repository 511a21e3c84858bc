/** Texts of diagnostics: what was expected, what was found, how text of the file is quoted. */
import { nearest } from '../base/suggest.js'

/** Characters of a token that a message quotes: enough to recognise it on one line. */
const SHOWN_MAX = 60

/** Longest list of words in a message, and how many words a longer list is cut to. */
const WORDS_MAX = 12
const WORDS_OF_MANY = 10

/** Why a value is rejected; the caller adds the position. */
export class Refusal {
  readonly message: string
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    this.message = message
    this.hint = hint
  }
}

/** `expected 'a', 'b' or 'c', but got 'X'`; words are sorted bytewise and deduplicated, long lists are cut. */
export function refuseWord(words: Iterable<string>, got: string, shownGot = shown(got)): Refusal {
  const sorted = [...new Set(words)].sort()
  const guess = didYouMean(got, sorted)
  if (sorted.length <= WORDS_MAX)
    return new Refusal(`expected ${quotedList(sorted)}, but got ${shownGot}`, guess)
  const list = sorted.slice(0, WORDS_OF_MANY).map((word) => `'${word}'`)
  const others = sorted.length - WORDS_OF_MANY
  const message = `expected ${list.join(', ')} or one of ${others} others, but got ${shownGot}`
  return new Refusal(message, guess ?? 'see docs/configuration.md')
}

/** `expected a port, but got 'X'`. */
export function refuseText(wanted: string, got: string, hint?: string): Refusal {
  return new Refusal(`expected ${wanted}, but got ${shown(got)}`, hint)
}

export function didYouMean(got: string, words: Iterable<string>): string | undefined {
  const word = nearest(got, words)
  return word === undefined ? undefined : `did you mean '${word}'?`
}

export function orList(items: readonly string[]): string {
  if (items.length < 2) return items.join('')
  return `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`
}

/** `'a', 'b' or 'c'` */
export function quotedList(items: readonly string[]): string {
  return orList(items.map((item) => `'${item}'`))
}

/** Text from a file, quoted in a message: short, and safe for a terminal. */
export function shown(text: string): string {
  return `'${shortened(text)}'`
}

/** Like `shown`, without quotes. */
export function shortened(text: string): string {
  // A character takes at most two UTF-16 units: the slice bounds the work for long texts.
  const start = [...text.slice(0, SHOWN_MAX * 2)].slice(0, SHOWN_MAX).join('')
  const mark = start.length < text.length ? '…' : ''
  return `${printable(start)}${mark}`
}

/** A path, quoted in a message: not cut, because its end identifies the file. */
export function shownPath(path: string): string {
  return `'${printable(path)}'`
}

/** Replaces control characters, including C1 and bidirectional marks, by a visible character. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '\ufffd')
}
