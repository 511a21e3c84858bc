/** Reads tokens through nested includes and aliases, within limits. */
import { dirname, normalize } from 'node:path/posix'
import type { Position } from '../base/problem.js'
import { shown, shownPath } from './expectation.js'
import { Lexer, type Lexing } from './lexer.js'
import type { Problems } from './problems.js'
import { cannotRead, type Sources } from './sources.js'
import { isPunctuation, isReported, isText, type Token } from './token.js'

/** Nested includes, and includes in all. A file that includes itself is found separately. */
const INCLUDE_DEPTH_MAX = 32
const INCLUDES_MAX = 10_000
/** Total tokens that aliases may expand to: nested aliases grow exponentially. */
const ALIAS_TOKENS_MAX = 100_000
/** Bytes of a file and its includes: enough for a hundred thousand remotes, and read within seconds. */
const TEXT_BYTES_MAX = 16 * 2 ** 20

export interface InputRequest {
  readonly file: string
  readonly bytes: Uint8Array
  readonly sources: Sources
  readonly environment: ReadonlyMap<string, string>
  readonly problems: Problems
}

interface Frame {
  /** Undefined: tokens that were put back after look-ahead. */
  readonly name: string | undefined
  readonly isFile: boolean
  /** Undefined or an end token when exhausted. */
  read(): Token | undefined
  /** Called after it is exhausted: opens the next file of the same include. */
  readonly onEnd?: () => void
}

/** A stack of open files and aliases, read as one stream. Detects loops and enforces the limits above. */
export class TokenInput {
  /** The lexer mode from here on. */
  readonly lexing: Lexing = { mode: 'plain' }
  readonly #request: InputRequest
  /** The innermost one last. */
  readonly #frames: Frame[] = []
  /** Replaces all further tokens. */
  #earlyEnd: Token | undefined
  /** Counts towards the limits above. */
  #includes = 0
  #aliasTokens = 0
  #textBytes = 0

  constructor(request: InputRequest) {
    this.#request = request
    const start = { file: request.file, line: 1, column: 1 }
    this.#openFile(request.file, request.bytes)
    this.#countText(request.bytes, start)
  }

  /** Set if the input ends early, for a reason that has been reported. */
  get earlyEnd(): Token | undefined {
    return this.#earlyEnd
  }

  /** The next token, aliases not expanded. Opens the files of an `include`. */
  read(): Token {
    for (;;) {
      const token = this.#readWithEnds()
      if (token.kind !== 'word' || token.text !== 'include' || this.#earlyEnd !== undefined) return token
      // A token that is no file name: it may be the next directive.
      const unused = this.#include()
      if (unused !== undefined) return unused
    }
  }

  /** The next tokens of the innermost file or alias, aliases not expanded, up to its end. They are not consumed. */
  lookAhead(count: number): readonly Token[] {
    const tokens: Token[] = []
    while (tokens.length < count) {
      const frame = this.#frames.at(-1)
      const token = frame?.read()
      if (token !== undefined) tokens.push(token)
      // At the end of the innermost file or alias; frames of tokens that were put back are passed through.
      if (token?.kind === 'end' || (token === undefined && frame?.name !== undefined)) break
      if (token === undefined) this.#frames.pop()
    }
    let at = 0
    // Puts the tokens back: they are read again from this frame.
    this.#frames.push({ name: undefined, isFile: false, read: () => tokens[at++] })
    return tokens
  }

  /** Replaces the use of an alias by its tokens. */
  openAlias(use: Token, tokens: readonly Token[]): void {
    if (this.#frames.some(({ name, isFile }) => !isFile && name === use.text)) {
      this.#stop(use.position, `alias ${shown(use.text)} expands to itself`)
      return
    }
    let at = 0
    const read = () => {
      this.#aliasTokens += 1
      if (this.#aliasTokens === ALIAS_TOKENS_MAX) {
        this.#stop(use.position, `aliases expand to too many tokens: at most ${ALIAS_TOKENS_MAX} are allowed`)
      }
      return tokens[at++]
    }
    this.#frames.push({ name: use.text, isFile: false, read })
  }

  /** Reports an error and ends the input. */
  #stop(position: Position, message: string): void {
    this.#request.problems.error(position, message)
    this.endAt(position, message)
  }

  /** Ends the input here; the rest is not read. */
  endAt(position: Position, message: string): void {
    this.#earlyEnd = { kind: 'end', text: '', position, flaw: { severity: 'error', position, message } }
  }

  /** The next token of the innermost frame that has one. */
  #readWithEnds(): Token {
    for (;;) {
      const frame = this.#frames.at(-1)
      const token = frame?.read()
      // The end token of an include is swallowed, that of the main file is not.
      const isOutermost = this.#frames.length === 1
      if (token !== undefined && (token.kind !== 'end' || isOutermost)) return token
      this.#frames.pop()
      frame?.onEnd?.()
    }
  }

  /** Opens the files that match the pattern after `include`. Returns a token that is no pattern. */
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

  /** Opens the first of the files that can be opened; the others are opened when it ends. */
  #openFirst(names: readonly string[], position: Position): void {
    const index = names.findIndex((name) => this.#mayOpen(name, position))
    const name = names[index]
    if (name === undefined) return
    // Opened one after the other, by `onEnd`: all at once, they would be nested in each other.
    const rest = names.slice(index + 1)
    const answer = this.#request.sources.read(name)
    if (!answer.ok || !this.#countText(answer.bytes, position)) return
    this.#openFile(normalize(name), answer.bytes, () => this.#openFirst(rest, position))
  }

  /** False if the total text exceeds the limit. */
  #countText({ length }: Uint8Array, position: Position): boolean {
    this.#textBytes += length
    const isTooMuch = this.#textBytes > TEXT_BYTES_MAX
    if (isTooMuch) {
      const limit = `${TEXT_BYTES_MAX / 2 ** 20} MiB`
      this.#stop(position, `the configuration with its includes is too large: at most ${limit} are allowed`)
    }
    return !isTooMuch
  }

  /** Expands a leading `$CONFDIR/` to the folder of the main file. */
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
      problems.error(position, `include loop: ${[...open, path].join(' -> ')}`)
    } else if (open.length > INCLUDE_DEPTH_MAX) {
      this.#stop(position, `includes nested too deeply: at most ${INCLUDE_DEPTH_MAX} levels are allowed`)
    } else if (this.#includes > INCLUDES_MAX) {
      this.#stop(position, `too many included files: at most ${INCLUDES_MAX} are allowed`)
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
