import type { Position } from '../base/problem.js'
import { shown } from './expectation.js'
import type { LexerMode } from './lexer.js'
import { isPunctuation, isReported, isText, type Token } from './token.js'
import { type InputRequest, TokenInput } from './token-input.js'

export interface StreamRequest extends InputRequest {
  /** Bare words of the language are never replaced by an alias. */
  isKeyword(word: string): boolean
}

interface Alias {
  readonly position: Position
  readonly tokens: readonly Token[]
}

/**
 * The tokens of a configuration, includes and aliases resolved. One token of look-ahead, held as it was
 * written, since the name in `alias NAME` must not be replaced.
 */
export class TokenStream {
  readonly #request: StreamRequest
  readonly #input: TokenInput
  readonly #aliases = new Map<string, Alias>()
  #ahead: Token | undefined
  #last: Position | undefined

  constructor(request: StreamRequest) {
    this.#request = request
    this.#input = new TokenInput(request)
  }

  /** Takes apart in another way what has not been looked at yet. */
  setMode(mode: LexerMode): void {
    this.#input.lexing.mode = mode
  }

  /** The path, with the folder of the main file for `$CONFDIR/` in front. */
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

  /** The next token, not replaced even when it is the name of an alias. */
  peekAsWritten(): Token {
    this.#ahead ??= this.#input.read()
    return this.#input.earlyEnd ?? this.#ahead
  }

  /** The next tokens as they are written, at most `count`, up to the end of the file or alias they stand in. */
  lookAhead(count: number): readonly Token[] {
    const first = this.peekAsWritten()
    return first.kind === 'end' ? [first] : [first, ...this.#input.lookAhead(count - 1)]
  }

  /** Lets the input end here, for a reason that has been reported. */
  endAt(position: Position, message: string): void {
    this.#input.endAt(position, message)
  }

  next(): Token {
    return this.#take(this.peek(), true)
  }

  nextAsWritten(): Token {
    return this.#take(this.peekAsWritten(), true)
  }

  /** Whether a token that comes next begins a line: the first of all, or on another one than the last token taken. */
  isOnNewLine({ position: { file, line } }: Token): boolean {
    return this.#last === undefined || this.#last.file !== file || this.#last.line !== line
  }

  /** Takes an optional `=`; true when there was one. */
  skipEquals(): boolean {
    const isThere = isPunctuation(this.peekAsWritten(), '=')
    if (isThere) this.nextAsWritten()
    return isThere
  }

  /** The tokens from behind a `{` to before its `}`, which is taken. Undefined when the file ends first. */
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
   * Like readBraced, for text that has no meaning here: only errors of its tokens are told. True if closed. `firstWords`
   * gets the words that seem to begin a directive: behind a brace, or on a new line.
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
        `${shown(name.text)} is a word of the language: only in quotes it is replaced`,
      )
    }
    this.#aliases.set(name.text, { position: name.position, tokens })
  }

  #take(token: Token, isTold: boolean): Token {
    if (token.kind === 'end') return token
    this.#ahead = undefined
    this.#last = token.position
    const { problems } = this.#request
    const { flaw } = token
    if (flaw?.severity === 'error') problems.error(flaw.position, flaw.message)
    else if (flaw !== undefined && isTold) problems.warn(flaw.position, flaw.message)
    if (problems.isFull) this.#input.endAt(token.position, 'too many errors')
    return token
  }

  #aliasFor(token: Token): Alias | undefined {
    if (!isText(token) || isReported(token)) return undefined
    if (token.kind === 'word' && this.#request.isKeyword(token.text)) return undefined
    return this.#aliases.get(token.text)
  }
}
