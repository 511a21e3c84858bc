import type { Position } from '../base/problem.js'
import type { Problems } from './problems.js'
import type { Block } from './row.js'
import { isPunctuation, isText, type Token } from './token.js'
import type { TokenStream } from './token-stream.js'
import { reportUnexpected } from './value-type.js'
import { targetOf } from './word-tree.js'

/** Error recovery of the parser: skips tokens up to the next directive. */

interface Input {
  readonly tokens: TokenStream
  readonly problems: Problems
}

/** What ends a rejected directive within its line: another directive, or only the end of the line. */
export type RecoveryEnd = 'directive' | 'line'

/** Number of words of the longest directive. */
const WORDS_MAX = 4

/** Skips the rest of a directive: up to a `}`, a new line, or the next directive on the same line. */
export function skipDirective(input: Input, block: Block<unknown>, start: Token, end: RecoveryEnd): void {
  const { tokens } = input
  for (let token = tokens.peek(); token.kind !== 'end' && !isPunctuation(token, '}'); token = tokens.peek()) {
    const isNewLine = isOnAnotherLine(token, start)
    // A line that begins with `[` is a heading of an INI file.
    if (isNewLine && isPunctuation(token, '[')) return
    if (isText(token) && (isNewLine || (end === 'directive' && begins(tokens, block)))) return
    // The block of a rejected directive: its directives are not checked, as their rows are not known.
    if (skipBlock(input)) continue
    const isEquals = tokens.skipEquals()
    // After `=` a value is consumed too, although it may look like a directive.
    if (!isEquals || isText(tokens.peek())) tokens.next()
  }
}

/** Skips all tokens on the line of the next token. */
export function skipLine(tokens: TokenStream): void {
  const start = tokens.peek()
  for (let token = start; token.kind !== 'end' && !isOnAnotherLine(token, start); token = tokens.peek())
    tokens.next()
}

/** Skips tokens up to and including one with this ending. */
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

/** Skips `{ … }` if the next token opens a block. */
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

/** Whether a complete directive follows: its first word alone may be a value of the skipped directive. */
function begins(tokens: TokenStream, block: Block<unknown>): boolean {
  const words = tokens.lookAhead(WORDS_MAX).map(({ text }) => text)
  return targetOf(block, words) !== undefined
}
