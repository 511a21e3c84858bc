import type { Position } from '../base/problem.js'

/** What is wrong with the spelling of a token itself. */
export interface Flaw {
  readonly severity: 'error' | 'warning'
  readonly position: Position
  readonly message: string
}

export interface Token {
  /**
   * Only a bare word can be a word of the language; a quoted one is always a value or a name. A pattern stood between
   * slashes, which are not part of its text.
   */
  readonly kind: 'word' | 'quoted' | 'pattern' | 'punctuation' | 'end'
  readonly text: string
  readonly position: Position
  /** On an end: the error that made it one early. */
  readonly flaw?: Flaw
}

export function isPunctuation(token: Token, text: string): boolean {
  return token.kind === 'punctuation' && token.text === text
}

/** Whether the token can be a value: any word, quoted or not. */
export function isText(token: Token): boolean {
  return token.kind === 'word' || token.kind === 'quoted'
}

/** Whether an error about the token has been reported, so that a second one would only repeat it. */
export function isReported(token: Token): boolean {
  return token.flaw?.severity === 'error'
}
