import { nearest } from '../base/suggest.js'

const SHOWN_MAX = 60

/** Why a value is not taken; the reader adds the position. */
export class Refusal {
  readonly message: string
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    this.message = message
    this.hint = hint
  }
}

/** `expected 'a', 'b' or 'c', but got 'X'`; the words sorted bytewise, each once. */
export function refuseWord(words: Iterable<string>, got: string, shownGot = shown(got)): Refusal {
  const sorted = [...new Set(words)].sort()
  const list = orList(sorted.map((word) => `'${word}'`))
  return new Refusal(`expected ${list}, but got ${shownGot}`, didYouMean(got, sorted))
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

/** Text from a file as a message may repeat it: in quotes, short, and harmless to a terminal. */
export function shown(text: string): string {
  const start = [...text.slice(0, SHOWN_MAX * 2)].slice(0, SHOWN_MAX).join('')
  const mark = start.length < text.length ? '…' : ''
  return `'${printable(start)}${mark}'`
}

/** Control characters, C1 and bidirectional marks included, become visible replacements. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '\ufffd')
}
