/** The token stream that the parser reads: includes and aliases are resolved. */
import type { Position } from '../base/problem.js'
import { shown } from './expectation.js'
import type { LexerMode } from './lexer.js'
import { isPunctuation, isReported, isText, type Token } from './token.js'
import { type InputRequest, TokenInput } from './token-input.js'

export interface StreamRequest extends InputRequest {
  /** Unquoted words of the language are never expanded as aliases. */
  isKeyword(word: string): boolean
}

interface Alias {
  readonly position: Position
  readonly tokens: readonly Token[]
}

/**
 * Holds one token of look-ahead, not yet expanded, because the name in `alias NAME` must not be expanded.
 */
export class TokenStream {
  readonly #request: StreamRequest
  readonly #input: TokenInput
  readonly #aliases = new Map<string, Alias>()
  /** The next token, as written. */
  #ahead: Token | undefined
  /** Position of the last token that was consumed. */
  #last: Position | undefined

  constructor(request: StreamRequest) {
    this.#request = request
    this.#input = new TokenInput(request)
  }

  /** Sets the lexer mode for tokens that have not been read yet. */
  setMode(mode: LexerMode): void {
    this.#input.lexing.mode = mode
  }

  /** Expands a leading `$CONFDIR/` to the folder of the main file. */
  inConfigurationFolder(path: string): string {
    return this.#input.inConfigurationFolder(path)
  }

  peek(): Token {
    for (;;) {
      const token = this.peekAsWritten()
      const alias = this.#aliasFor(token)
      if (alias === undefined) return token
      this.#ahead = undefined
      this.#input.openAlias(token, alias.tokens)
    }
  }

  /** The next token, not expanded even if it is the name of an alias. */
  peekAsWritten(): Token {
    this.#ahead ??= this.#input.read()
    // The token that was read ahead is dropped as well.
    return this.#input.earlyEnd ?? this.#ahead
  }

  /** At most `count` next tokens, aliases not expanded, up to the end of the current file or alias. */
  lookAhead(count: number): readonly Token[] {
    const first = this.peekAsWritten()
    return first.kind === 'end' ? [first] : [first, ...this.#input.lookAhead(count - 1)]
  }

  /** Ends the input here, for a reason that has been reported. */
  endAt(position: Position, message: string): void {
    this.#input.endAt(position, message)
  }

  next(): Token {
    return this.#take(this.peek(), true)
  }

  nextAsWritten(): Token {
    return this.#take(this.peekAsWritten(), true)
  }

  /**
   * Whether the next token begins a line: it is the first of all, or on another line than the last consumed token.
   */
  isOnNewLine({ position: { file, line } }: Token): boolean {
    return this.#last === undefined || this.#last.file !== file || this.#last.line !== line
  }

  /** Consumes an optional `=`; true if there was one. */
  skipEquals(): boolean {
    const isThere = isPunctuation(this.peekAsWritten(), '=')
    if (isThere) this.nextAsWritten()
    return isThere
  }

  /** The tokens after a `{` up to its `}`, which is consumed. Undefined if the file ends first. */
  readBraced(): readonly Token[] | undefined {
    const tokens: Token[] = []
    for (let depth = 1; ; ) {
      const token = this.next()
      if (token.kind === 'end') return undefined
      if (isPunctuation(token, '{')) depth += 1
      if (isPunctuation(token, '}')) depth -= 1
      if (depth === 0) return tokens
      tokens.push(token)
    }
  }

  /**
   * Like readBraced, for a skipped section: reports only malformed tokens, no warnings. True if closed. `firstWords`
   * collects the words that seem to begin a directive: after a brace, or on a new line.
   */
  skipBraced(firstWords?: Set<string>): boolean {
    let isFirst = true
    for (let depth = 1; ; ) {
      const next = this.peek()
      const isNew = isFirst || this.isOnNewLine(next)
      const token = this.#take(next, false)
      if (token.kind === 'end') return false
      if (depth === 1 && isNew && token.kind === 'word') firstWords?.add(token.text)
      isFirst = isPunctuation(token, '{') || isPunctuation(token, '}')
      if (isPunctuation(token, '{')) depth += 1
      if (isPunctuation(token, '}')) depth -= 1
      if (depth === 0) return true
    }
  }

  defineAlias(name: Token, tokens: readonly Token[]): void {
    const { problems, isKeyword } = this.#request
    const earlier = this.#aliases.get(name.text)
    if (earlier !== undefined) {
      const { file, line, column } = earlier.position
      problems.error(
        name.position,
        `alias ${shown(name.text)} is already defined at ${file}:${line}:${column}`,
      )
      return
    }
    if (isKeyword(name.text)) {
      problems.warn(
        name.position,
        `${shown(name.text)} is a word of the language: the alias is expanded only in quotes`,
      )
    }
    this.#aliases.set(name.text, { position: name.position, tokens })
  }

  #take(token: Token, reportsWarnings: boolean): Token {
    if (token.kind === 'end') return token
    this.#ahead = undefined
    this.#last = token.position
    const { problems } = this.#request
    const { flaw } = token
    if (flaw?.severity === 'error') problems.error(flaw.position, flaw.message)
    else if (flaw !== undefined && reportsWarnings) problems.warn(flaw.position, flaw.message)
    // The limit of errors is reached: the rest is not read.
    if (problems.isFull) this.#input.endAt(token.position, 'too many errors')
    return token
  }

  #aliasFor(token: Token): Alias | undefined {
    if (!isText(token) || isReported(token)) return undefined
    if (token.kind === 'word' && this.#request.isKeyword(token.text)) return undefined
    return this.#aliases.get(token.text)
  }
}
