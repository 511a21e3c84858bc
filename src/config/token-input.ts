import { dirname, normalize } from 'node:path/posix'
import type { Position } from '../base/problem.js'
import { shown, shownPath } from './expectation.js'
import { Lexer, type Lexing } from './lexer.js'
import type { Problems } from './problems.js'
import { cannotRead, type Sources } from './sources.js'
import { isPunctuation, isReported, isText, type Token } from './token.js'

/** Files that may be open inside one another, and opened in all. */
const INCLUDE_DEPTH_MAX = 32
const INCLUDES_MAX = 10_000
/** Tokens that all uses of aliases may amount to. */
const ALIAS_TOKENS_MAX = 100_000
/** Bytes of a file and all that it includes: a hundred thousand remotes fit in, and reading takes seconds at most. */
const TEXT_BYTES_MAX = 16 * 2 ** 20

export interface InputRequest {
  readonly file: string
  readonly bytes: Uint8Array
  readonly sources: Sources
  readonly environment: ReadonlyMap<string, string>
  readonly problems: Problems
}

interface Frame {
  /** Undefined: tokens that were looked at and put back. */
  readonly name: string | undefined
  readonly isFile: boolean
  /** Undefined or an end token when exhausted. */
  read(): Token | undefined
  /** Called when it is exhausted and closed: opens the next file of the same include. */
  readonly onEnd?: () => void
}

/** Files within files and aliases within them, read as one; all loops and excesses end here. */
export class TokenInput {
  /** How files are taken apart from here on. */
  readonly lexing: Lexing = { mode: 'plain' }
  readonly #request: InputRequest
  readonly #frames: Frame[] = []
  #earlyEnd: Token | undefined
  #includes = 0
  #aliasTokens = 0
  #textBytes = 0

  constructor(request: InputRequest) {
    this.#request = request
    const start = { file: request.file, line: 1, column: 1 }
    this.#openFile(request.file, request.bytes)
    this.#countText(request.bytes, start)
  }

  /** Set once the input has ended before its time, for a reason that has been reported. */
  get earlyEnd(): Token | undefined {
    return this.#earlyEnd
  }

  /** The next token as it is written. Where an `include` stands, the files that it names are opened. */
  read(): Token {
    for (;;) {
      const token = this.#readWithEnds()
      if (token.kind !== 'word' || token.text !== 'include' || this.#earlyEnd !== undefined) return token
      const unused = this.#include()
      if (unused !== undefined) return unused
    }
  }

  /** The next tokens of the innermost file or alias as they are written, up to its end. They are read again later. */
  lookAhead(count: number): readonly Token[] {
    const tokens: Token[] = []
    while (tokens.length < count) {
      const frame = this.#frames.at(-1)
      const token = frame?.read()
      if (token !== undefined) tokens.push(token)
      if (token?.kind === 'end' || (token === undefined && frame?.name !== undefined)) break
      if (token === undefined) this.#frames.pop()
    }
    let at = 0
    this.#frames.push({ name: undefined, isFile: false, read: () => tokens[at++] })
    return tokens
  }

  /** Puts the tokens of an alias in the place of its use. */
  openAlias(use: Token, tokens: readonly Token[]): void {
    if (this.#frames.some(({ name, isFile }) => !isFile && name === use.text)) {
      this.#stop(use.position, `alias ${shown(use.text)} expands to itself`)
      return
    }
    let at = 0
    const read = () => {
      this.#aliasTokens += 1
      if (this.#aliasTokens === ALIAS_TOKENS_MAX) {
        this.#stop(use.position, `aliases may expand to ${ALIAS_TOKENS_MAX} tokens at most`)
      }
      return tokens[at++]
    }
    this.#frames.push({ name: use.text, isFile: false, read })
  }

  /** Puts the end here, for a reason that has been reported. */
  #stop(position: Position, message: string): void {
    this.#request.problems.error(position, message)
    this.endAt(position, message)
  }

  /** Lets the input end here, whatever follows. */
  endAt(position: Position, message: string): void {
    this.#earlyEnd = { kind: 'end', text: '', position, flaw: { severity: 'error', position, message } }
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
    const path = this.inConfigurationFolder(pattern.text)
    const { failures, names } = sources.glob(path)
    for (const failure of failures) {
      problems.error(pattern.position, cannotRead(failure.path, failure.code, sources))
    }
    if (names.length === 0 && failures.length === 0) {
      problems.warn(pattern.position, `no file matches ${shownPath(sources.absolute(path))}`)
    }
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
    if (!answer.ok || !this.#countText(answer.bytes, position)) return
    this.#openFile(normalize(name), answer.bytes, () => this.#openFirst(rest, position))
  }

  /** False when there is more text than a configuration may have. */
  #countText({ length }: Uint8Array, position: Position): boolean {
    this.#textBytes += length
    const isTooMuch = this.#textBytes > TEXT_BYTES_MAX
    if (isTooMuch) {
      const limit = `${TEXT_BYTES_MAX / 2 ** 20} MiB`
      this.#stop(position, `a configuration may have ${limit} at most, together with what it includes`)
    }
    return !isTooMuch
  }

  /** The path, with the folder of the main file for `$CONFDIR/` in front. */
  inConfigurationFolder(pattern: string): string {
    const prefix = '$CONFDIR/'
    if (!pattern.startsWith(prefix)) return pattern
    return `${dirname(this.#request.file)}/${pattern.slice(prefix.length)}`
  }

  #mayOpen(name: string, position: Position): boolean {
    if (this.#earlyEnd !== undefined) return false
    const { problems, sources } = this.#request
    const path = normalize(name)
    const open = this.#frames.flatMap((frame) =>
      frame.isFile && frame.name !== undefined ? [frame.name] : [],
    )
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
      problems.warn(position, `no file matches ${shownPath(sources.absolute(name))}`)
    } else {
      problems.error(position, cannotRead(name, answer.code, sources))
    }
    return false
  }

  #openFile(file: string, bytes: Uint8Array, onEnd = () => {}): void {
    const lexer = new Lexer(file, bytes, this.#request.environment, this.lexing)
    this.#frames.push({ name: normalize(file), isFile: true, read: () => lexer.next(), onEnd })
  }
}
