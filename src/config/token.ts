/** Tokens of the configuration language. */
import type { Position } from '../base/problem.js'

/** A lexical problem of a token. */
export interface Flaw {
  readonly severity: 'error' | 'warning'
  readonly position: Position
  readonly message: string
}

export interface Token {
  /**
   * Only an unquoted word can be a word of the language; a quoted one is always a value or a name. The text of a
   * pattern does not include its slashes.
   */
  readonly kind: 'word' | 'quoted' | 'pattern' | 'punctuation' | 'end'
  /** Decoded, without quotes and with escapes replaced. */
  readonly text: string
  readonly position: Position
  /** For an early end token: the error that ended the input. */
  readonly flaw?: Flaw
}

export function isPunctuation(token: Token, text: string): boolean {
  return token.kind === 'punctuation' && token.text === text
}

/** Whether the token can be a value: any word, quoted or not. */
export function isText(token: Token): boolean {
  return token.kind === 'word' || token.kind === 'quoted'
}

/** Whether an error of the token has been reported already. */
export function isReported(token: Token): boolean {
  return token.flaw?.severity === 'error'
}
