/** Reports tokens that begin or continue no directive. */
import { foreignComment, foreignConfiguration, lineOf, SECTIONS_HINT } from './foreign-syntax.js'
import { type BraceWatch, blockAround, type Place } from './missing-brace.js'
import { openingHint } from './opening-hint.js'
import type { Problems } from './problems.js'
import { type RecoveryEnd, skipLine, skipPast } from './recovery.js'
import type { Block } from './row.js'
import { isReported, isText, type Token } from './token.js'
import type { TokenStream } from './token-stream.js'
import { type Explanation, explain } from './unknown-word.js'
import { reportSemicolon, reportUnexpected } from './value-type.js'

/** Tokens of look-ahead to explain an unknown word: a line of nginx is recognised by its final `;`. */
const AHEAD_MAX = 16

/** Syntax of another program is reported once, not for each of its directives. */
export class Refusals {
  readonly #tokens: TokenStream
  readonly #problems: Problems
  readonly #braces: BraceWatch
  /** A line of another program has been reported: further ones are skipped silently. */
  #isForeign = false

  constructor({ problems, tokens }: { problems: Problems; tokens: TokenStream }, braces: BraceWatch) {
    this.#problems = problems
    this.#tokens = tokens
    this.#braces = braces
  }

  /** Reports the next token, after words that begin a directive. Undefined: the input ends here. */
  report(place: Place, words: readonly string[], start: Token): RecoveryEnd | undefined {
    const tokens = this.#tokens
    const token = tokens.peek()
    const isFirst = tokens.isOnNewLine(token)
    const isStart = words.length === 0
    if (token.kind === 'end') reportUnexpected(this.#problems, token, `more after '${start.text}'`)
    if (token.kind === 'end' || (isStart && this.#endsAtForeign(place, token))) return undefined
    // A token on the next line does not continue an incomplete directive.
    const ahead = !isStart && isFirst ? [] : tokens.lookAhead(AHEAD_MAX)
    const explanation = explain({ block: place.block, words, ahead })
    if (!isReported(token)) this.#reportAt(place, explanation.isIncomplete ? start : token, explanation)
    if (isStart && isText(token)) tokens.next()
    return explanation.isForeign && isStart && isFirst ? 'line' : 'directive'
  }

  /** Reports the next token, where a block should open. */
  reportOpening(block: Block<unknown> | undefined): void {
    const better = block && openingHint(block, this.#tokens.lookAhead(AHEAD_MAX))
    reportUnexpected(this.#problems, this.#tokens.peek(), "'{'", true, better?.hint)
    this.#isForeign ||= better?.isForeign === true
  }

  /** Skips a comment or a `;` of another program. False: the token is neither. */
  skipForeign(token: Token): boolean {
    const tokens = this.#tokens
    const mark = foreignComment(token, tokens.isOnNewLine(token), () => tokens.lookAhead(2))
    if (mark !== undefined) {
      this.#problems.errorOnce(token.position, `comments begin with '#', not with '${mark}'`)
      // Only INI files use this mark, and their other lines are foreign as well.
      this.#isForeign ||= mark === ';'
      if (mark === '/*') skipPast(tokens, '*/')
      else skipLine(tokens)
    } else if (token.kind === 'word' && token.text === ';') {
      reportSemicolon(this.#problems, token)
      tokens.next()
    } else return false
    return true
  }

  #reportAt(place: Place, token: Token, { hint, isForeign, isIncomplete, message }: Explanation): void {
    const { position } = token
    if (this.#problems.hasErrorAt(position)) return
    if (isForeign && !this.#isForeign) this.#problems.errorOnce(position, message, { hint })
    // Later lines of the other program are skipped without a report.
    if (isForeign) return
    // A block of an outer place at the start of a line: more likely a `}` is missing than a directive
    // misspelled.
    const isBlock =
      !isIncomplete && this.#tokens.isOnNewLine(token) && blockAround(place, this.#tokens) !== undefined
    const question = isBlock ? `, or ${this.#braces.question(place, position)}` : ''
    this.#problems.error(position, message, { hint: hint && hint + question })
  }

  /** Ends the input if the line shows that the whole file belongs to another program. */
  #endsAtForeign({ outer }: Place, { position }: Token): boolean {
    // Only at top level: within a section, a foreign line is reported as such.
    const line = lineOf(this.#tokens.lookAhead(AHEAD_MAX))
    const configuration = outer === undefined ? foreignConfiguration(line) : undefined
    if (configuration === undefined) return false
    const message = `expected a tcprelay configuration, but this is ${configuration}`
    this.#problems.error(position, message, { hint: SECTIONS_HINT })
    this.#tokens.endAt(position, message)
    return true
  }
}
