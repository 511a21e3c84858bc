import { dirname, normalize } from 'node:path/posix'
import type { Position } from '../base/problem.js'
import { shown } from './expectation.js'
import { Lexer } from './lexer.js'
import type { Problems } from './problems.js'
import type { Sources } from './sources.js'
import { isPunctuation, isReported, isText, type Token } from './token.js'

/** Files that may be open inside one another, and opened in all. */
const INCLUDE_DEPTH_MAX = 32
const INCLUDES_MAX = 10_000
/** Tokens that all uses of aliases may amount to. */
const ALIAS_TOKENS_MAX = 100_000

interface Frame {
  readonly name: string
  readonly isFile: boolean
  /** Undefined or an end token when exhausted. */
  read(): Token | undefined
  /** Called when it is exhausted and closed: opens the next file of the same include. */
  readonly onEnd?: () => void
}

interface Alias {
  readonly position: Position
  readonly tokens: readonly Token[]
}

export interface StreamRequest {
  readonly file: string
  readonly bytes: Uint8Array
  readonly sources: Sources
  readonly environment: ReadonlyMap<string, string>
  readonly problems: Problems
  /** Bare words of the language are never replaced by an alias. */
  isKeyword(word: string): boolean
}

/**
 * The tokens of a file with includes and aliases resolved. One token of look-ahead, which is held as it
 * was written, since the name in `alias NAME` must not be replaced.
 */
export class TokenStream {
  readonly #request: StreamRequest
  readonly #aliases = new Map<string, Alias>()
  readonly #frames: Frame[] = []
  #ahead: Token | undefined
  #early: Token | undefined
  #last: Position | undefined
  #includes = 0
  #aliasTokens = 0

  constructor(request: StreamRequest) {
    this.#request = request
    this.#openFile(request.file, request.bytes)
  }

  peek(): Token {
    for (;;) {
      const token = this.peekAsWritten()
      const alias = this.#aliasFor(token)
      if (alias === undefined) return token
      this.#ahead = undefined
      this.#openAlias(token, alias)
    }
  }

  /** The next token, not replaced even when it is the name of an alias. */
  peekAsWritten(): Token {
    this.#ahead ??= this.#read()
    return this.#early ?? this.#ahead
  }

  next(): Token {
    return this.#take(this.peek(), true)
  }

  nextAsWritten(): Token {
    return this.#take(this.peekAsWritten(), true)
  }

  /** Whether a token that comes next begins a line, seen from the last one taken. */
  isOnNewLine({ position: { file, line } }: Token): boolean {
    return this.#last !== undefined && (this.#last.file !== file || this.#last.line !== line)
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

  /** Like readBraced, for text that has no meaning here: only errors of its tokens are told. True if closed. */
  skipBraced(): boolean {
    for (let depth = 1; ; ) {
      const token = this.#take(this.peek(), false)
      if (token.kind === 'end') return false
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

  /** Puts the end here, for a reason that has been reported. */
  #stop(position: Position, message: string): void {
    this.#request.problems.error(position, message)
    this.#endAt(position, message)
  }

  #endAt(position: Position, message: string): void {
    this.#early = { kind: 'end', text: '', position, flaw: { severity: 'error', position, message } }
  }

  #take(token: Token, isTold: boolean): Token {
    if (token.kind === 'end') return token
    this.#ahead = undefined
    this.#last = token.position
    const { problems } = this.#request
    const { flaw } = token
    if (flaw?.severity === 'error') problems.error(flaw.position, flaw.message)
    else if (flaw !== undefined && isTold) problems.warn(flaw.position, flaw.message)
    if (problems.isFull) this.#endAt(token.position, 'too many errors')
    return token
  }

  #read(): Token {
    for (;;) {
      const token = this.#readWithEnds()
      if (token.kind !== 'word' || token.text !== 'include' || this.#early !== undefined) return token
      const unused = this.#include()
      if (unused !== undefined) return unused
    }
  }

  /** The next token of the innermost frame that has one. */
  #readWithEnds(): Token {
    for (;;) {
      const frame = this.#frames.at(-1)
      const token = frame?.read()
      const isOutermost = this.#frames.length === 1
      if (token !== undefined && (token.kind !== 'end' || isOutermost)) return token
      this.#frames.pop()
      frame?.onEnd?.()
    }
  }

  /** Opens what the pattern behind the word names. A token that is no pattern is given back. */
  #include(): Token | undefined {
    const first = this.#readWithEnds()
    const pattern = isPunctuation(first, '=') ? this.#readWithEnds() : first
    const { problems, sources } = this.#request
    if (isReported(pattern)) return pattern
    if (!isText(pattern)) {
      problems.error(pattern.position, "expected a file name after 'include'")
      return pattern
    }
    const names = sources.glob(this.#inConfigurationFolder(pattern.text))
    if (names.length === 0) problems.warn(pattern.position, `no file matches ${shown(pattern.text)}`)
    this.#openFirst(names, pattern.position)
    return undefined
  }

  /** Opens the first of the files that can be; the others follow when it ends. */
  #openFirst(names: readonly string[], position: Position): void {
    const index = names.findIndex((name) => this.#mayOpen(name, position))
    const name = names[index]
    if (name === undefined) return
    const rest = names.slice(index + 1)
    const answer = this.#request.sources.read(name)
    if (answer.ok) this.#openFile(normalize(name), answer.bytes, () => this.#openFirst(rest, position))
  }

  #inConfigurationFolder(pattern: string): string {
    const prefix = '$CONFDIR/'
    if (!pattern.startsWith(prefix)) return pattern
    return `${dirname(this.#request.file)}/${pattern.slice(prefix.length)}`
  }

  #mayOpen(name: string, position: Position): boolean {
    if (this.#early !== undefined) return false
    const { problems, sources } = this.#request
    const path = normalize(name)
    const open = this.#frames.filter(({ isFile }) => isFile).map((frame) => frame.name)
    this.#includes += 1
    const answer = sources.read(name)
    if (open.includes(path)) {
      problems.error(position, `this include never ends: ${[...open, path].join(' -> ')}`)
    } else if (open.length > INCLUDE_DEPTH_MAX) {
      this.#stop(position, `includes may be nested ${INCLUDE_DEPTH_MAX} deep at most`)
    } else if (this.#includes > INCLUDES_MAX) {
      this.#stop(position, `${INCLUDES_MAX} files may be included at most`)
    } else if (answer.ok) {
      return true
    } else if (answer.code === 'ENOENT') {
      problems.warn(position, `no file matches ${shown(name)}`)
    } else {
      problems.error(position, `cannot read ${shown(name)}: ${answer.code}`)
    }
    return false
  }

  #openFile(file: string, bytes: Uint8Array, onEnd = () => {}): void {
    const lexer = new Lexer(file, bytes, this.#request.environment)
    this.#frames.push({ name: normalize(file), isFile: true, read: () => lexer.next(), onEnd })
  }

  #aliasFor(token: Token): Alias | undefined {
    if (!isText(token) || isReported(token)) return undefined
    if (token.kind === 'word' && this.#request.isKeyword(token.text)) return undefined
    return this.#aliases.get(token.text)
  }

  #openAlias(use: Token, alias: Alias): void {
    if (this.#frames.some(({ name, isFile }) => !isFile && name === use.text)) {
      this.#stop(use.position, `alias ${shown(use.text)} expands to itself`)
      return
    }
    let at = 0
    const read = () => {
      this.#aliasTokens += 1
      if (this.#aliasTokens > ALIAS_TOKENS_MAX && this.#early === undefined) {
        this.#stop(use.position, `aliases may expand to ${ALIAS_TOKENS_MAX} tokens at most`)
      }
      return alias.tokens[at++]
    }
    this.#frames.push({ name: use.text, isFile: false, read })
  }
}
