import type { Position } from '../base/problem.js'
import type { Problems } from './problems.js'
import type { Block } from './row.js'
import { isPunctuation, isText, type Token } from './token.js'
import type { TokenStream } from './token-stream.js'
import { reportUnexpected } from './value-type.js'
import { targetOf } from './word-tree.js'

/** How the parser gets past what it does not understand. */

interface Input {
  readonly tokens: TokenStream
  readonly problems: Problems
}

/** What ends a directive that was not understood on its own line: another one, or nothing. */
export type RecoveryEnd = 'directive' | 'line'

/** Words of the longest directive. */
const WORDS_MAX = 4

/** Skips what is left of a directive: to a `}`, a new line, or the next one on the same line. */
export function skipDirective(input: Input, block: Block<unknown>, start: Token, end: RecoveryEnd): void {
  const { tokens } = input
  for (let token = tokens.peek(); token.kind !== 'end' && !isPunctuation(token, '}'); token = tokens.peek()) {
    const isNewLine = isOnAnotherLine(token, start)
    // A line that begins with `[` is a heading of an INI file.
    if (isNewLine && isPunctuation(token, '[')) return
    if (isText(token) && (isNewLine || (end === 'directive' && begins(tokens, block)))) return
    if (skipBlock(input)) continue
    const isEquals = tokens.skipEquals()
    if (!isEquals || isText(tokens.peek())) tokens.next()
  }
}

/** Skips all tokens on the line of the one that comes next. */
export function skipLine(tokens: TokenStream): void {
  const start = tokens.peek()
  for (let token = start; token.kind !== 'end' && !isOnAnotherLine(token, start); token = tokens.peek())
    tokens.next()
}

/** Skips tokens up to one that ends like this. */
export function skipPast(tokens: TokenStream, ending: string): void {
  for (let token = tokens.peek(); token.kind !== 'end'; token = tokens.peek()) {
    tokens.next()
    if (token.text.endsWith(ending)) return
  }
}

export function reportUnclosed(
  { tokens, problems }: Input,
  { label, position: { file, line, column } }: { readonly label: string; readonly position: Position },
  hint?: string,
): void {
  reportUnexpected(
    problems,
    tokens.peek(),
    `'}' to close '${label}' at ${file}:${line}:${column}`,
    true,
    hint,
  )
}

/** Skips `{ … }` if that is what comes. */
function skipBlock(input: Input): boolean {
  const { tokens } = input
  const opening = tokens.peek()
  if (!isPunctuation(opening, '{')) return false
  tokens.next()
  if (!tokens.skipBraced()) reportUnclosed(input, { ...opening, label: '{' })
  return true
}

function isOnAnotherLine({ position: { file, line } }: Token, { position: from }: Token): boolean {
  return file !== from.file || line !== from.line
}

/** Whether a whole directive comes: its first word alone may be a value of what is skipped. */
function begins(tokens: TokenStream, block: Block<unknown>): boolean {
  const words = tokens.lookAhead(WORDS_MAX).map(({ text }) => text)
  return targetOf(block, words) !== undefined
}
