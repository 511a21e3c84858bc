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

/** Tokens that are looked at to tell what an unknown word is: a line of nginx's ends with `;`. */
const AHEAD_MAX = 16

/** Reports tokens that are no directive. What looks like the language of another program is reported once. */
export class Refusals {
  readonly #tokens: TokenStream
  readonly #problems: Problems
  readonly #braces: BraceWatch
  /** A line of another program has been reported: its directives are not reported one by one. */
  #isForeign = false

  constructor({ problems, tokens }: { problems: Problems; tokens: TokenStream }, braces: BraceWatch) {
    this.#problems = problems
    this.#tokens = tokens
    this.#braces = braces
  }

  /** About the next token, behind words that begin a directive. Undefined: nothing can be read behind it. */
  report(place: Place, words: readonly string[], start: Token): RecoveryEnd | undefined {
    const tokens = this.#tokens
    const token = tokens.peek()
    const isFirst = tokens.isOnNewLine(token)
    const isStart = words.length === 0
    if (token.kind === 'end') reportUnexpected(this.#problems, token, `more behind '${start.text}'`)
    if (token.kind === 'end' || (isStart && this.#endsAtForeign(place, token))) return undefined
    const ahead = !isStart && isFirst ? [] : tokens.lookAhead(AHEAD_MAX)
    const explanation = explain({ block: place.block, words, ahead })
    if (!isReported(token)) this.#tell(place, explanation.isIncomplete ? start : token, explanation)
    if (isStart && isText(token)) tokens.next()
    return explanation.isForeign && isStart && isFirst ? 'line' : 'directive'
  }

  /** About the next token, which stands where a block should open. */
  reportOpening(block: Block<unknown> | undefined): void {
    const better = block && openingHint(block, this.#tokens.lookAhead(AHEAD_MAX))
    reportUnexpected(this.#problems, this.#tokens.peek(), "'{'", true, better?.hint)
    this.#isForeign ||= better?.isForeign === true
  }

  /** Skips a comment or the end of a directive as other programs have it. False: the token is neither. */
  skipForeign(token: Token): boolean {
    const tokens = this.#tokens
    const mark = foreignComment(token, tokens.isOnNewLine(token), () => tokens.lookAhead(2))
    if (mark !== undefined) {
      this.#problems.errorOnce(token.position, `comments begin with '#', not with '${mark}'`)
      // Only INI files begin comments with it, whose other lines are foreign as well.
      this.#isForeign ||= mark === ';'
      if (mark === '/*') skipPast(tokens, '*/')
      else skipLine(tokens)
    } else if (token.kind === 'word' && token.text === ';') {
      reportSemicolon(this.#problems, token)
      tokens.next()
    } else return false
    return true
  }

  #tell(place: Place, token: Token, { hint, isForeign, isIncomplete, message }: Explanation): void {
    const { position } = token
    if (this.#problems.hasErrorAt(position)) return
    if (isForeign && !this.#isForeign) this.#problems.errorOnce(position, message, { hint })
    if (isForeign) return
    const isBlock =
      !isIncomplete && this.#tokens.isOnNewLine(token) && blockAround(place, this.#tokens) !== undefined
    const question = isBlock ? `, or ${this.#braces.question(place, position)}` : ''
    this.#problems.error(position, message, { hint: hint && hint + question })
  }

  /** Lets reading end where a file turns out to be that of another program. */
  #endsAtForeign({ outer }: Place, { position }: Token): boolean {
    const line = lineOf(this.#tokens.lookAhead(AHEAD_MAX))
    const configuration = outer === undefined ? foreignConfiguration(line) : undefined
    if (configuration === undefined) return false
    const message = `this is ${configuration}, not one of tcprelay`
    this.#problems.error(position, message, { hint: SECTIONS_HINT })
    this.#tokens.endAt(position, message)
    return true
  }
}
