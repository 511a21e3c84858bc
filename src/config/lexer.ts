/** Splits the bytes of a file into tokens. */
import { Buffer } from 'node:buffer'
import type { Position } from '../base/problem.js'
import { Cursor } from './cursor.js'
import { readQuoted } from './quoted-text.js'
import { readSlashed } from './slashed-text.js'
import type { Flaw, Token } from './token.js'

/** As in the original, which exits at a longer token. */
const TOKEN_BYTES_MAX = 65_534

const BLANKS = new Set(bytesOf(' \t\r\n'))
const COMMENT_ENDS = new Set([...bytesOf('\r\n'), -1])
const SINGLES = new Set(bytesOf('={}()[],!'))
const PAIRS = new Set(bytesOf('&|'))
const WORD_ENDS = new Set([...BLANKS, ...SINGLES, ...PAIRS, -1])
const QUOTES = new Set(bytesOf('"\''))
const [HASH, SLASH] = bytesOf('#/')
/** First and second bytes of `==`, `!=`, `=~`, `!~` in scripts. */
const OPERATOR_STARTS = new Set(bytesOf('=!'))
const OPERATOR_ENDS = new Set(bytesOf('=~'))
const MATCH_OPERATORS = new Set(['=~', '!~'])

/**
 * How characters are tokenised. `script`: with operators, and with patterns between slashes after `=~` and `!~`;
 * `patterns`: with patterns anywhere.
 */
export type LexerMode = 'plain' | 'script' | 'patterns'

/** The current mode, shared by all files. The parser changes it between tokens. */
export interface Lexing {
  mode: LexerMode
}

/**
 * Returns the tokens of one file one at a time, because `setenv` changes the expansion of a later `${NAME}`. Never
 * fails: a malformed token has a `flaw`.
 */
export class Lexer {
  readonly #cursor: Cursor
  readonly #environment: ReadonlyMap<string, string>
  readonly #lexing: Readonly<Lexing>
  /** The last token was `=~` or `!~`: a slash begins a pattern. */
  #isBehindMatch = false
  /** End of the last token, where errors at the end of the file point to. */
  #lastEnd: Position
  /** An unclosed quote, which has swallowed the rest: no error at the end of the file is news. */
  #endFlaw: Flaw | undefined

  constructor(
    file: string,
    bytes: Uint8Array,
    environment: ReadonlyMap<string, string>,
    lexing: Readonly<Lexing> = { mode: 'plain' },
  ) {
    this.#cursor = new Cursor(file, bytes)
    this.#environment = environment
    this.#lexing = lexing
    this.#lastEnd = this.#cursor.position()
  }

  /** At the end of the file returns an end token, on every call; its position is the end of the last real token. */
  next(): Token {
    this.#skipBlanksAndComments()
    if (this.#cursor.byte === -1) return tokenOf('end', '', this.#lastEnd, this.#endFlaw)
    const token = this.#readToken()
    this.#isBehindMatch = token.kind === 'punctuation' && MATCH_OPERATORS.has(token.text)
    this.#lastEnd = this.#cursor.position()
    return token
  }

  #skipBlanksAndComments(): void {
    for (;;) {
      while (BLANKS.has(this.#cursor.byte)) this.#cursor.step()
      if (this.#cursor.byte !== HASH) return
      while (!COMMENT_ENDS.has(this.#cursor.byte)) this.#cursor.step()
    }
  }

  #readToken(): Token {
    // Operators (`==`, `=~`) begin with bytes that are single tokens outside of scripts.
    if (SINGLES.has(this.#cursor.byte)) return this.#readPunctuation(this.#isOperator() ? 2 : 1)
    if (PAIRS.has(this.#cursor.byte)) {
      return this.#readPunctuation(this.#cursor.byte === this.#cursor.byteAfter(1) ? 2 : 1)
    }
    if (QUOTES.has(this.#cursor.byte)) return this.#readQuoted()
    return this.#isPattern() ? this.#readPattern() : this.#readWord()
  }

  #isOperator(): boolean {
    const { byte } = this.#cursor
    if (this.#lexing.mode !== 'script' || !OPERATOR_STARTS.has(byte)) return false
    return OPERATOR_ENDS.has(this.#cursor.byteAfter(1))
  }

  #isPattern(): boolean {
    const { mode } = this.#lexing
    return this.#cursor.byte === SLASH && (mode === 'patterns' || (mode === 'script' && this.#isBehindMatch))
  }

  #readPunctuation(length: number): Token {
    const position = this.#cursor.position()
    const { byte } = this.#cursor
    const text =
      String.fromCharCode(byte) + (length === 2 ? String.fromCharCode(this.#cursor.byteAfter(1)) : '')
    this.#cursor.step(length)
    return tokenOf('punctuation', text, position)
  }

  #readWord(): Token {
    const position = this.#cursor.position()
    const start = this.#cursor.offset
    while (!WORD_ENDS.has(this.#cursor.byte)) this.#cursor.step()
    const bytes = this.#cursor.bytes.subarray(start, this.#cursor.offset)
    // One byte more than allowed shows that the token is too long; a longer copy is not needed.
    return textToken('word', bytes.subarray(0, TOKEN_BYTES_MAX + 1), position)
  }

  #readPattern(): Token {
    const position = this.#cursor.position()
    const { bytes, isClosed } = readSlashed(this.#cursor, TOKEN_BYTES_MAX)
    if (isClosed) return textToken('pattern', Uint8Array.from(bytes), position)
    const message = 'this pattern is not closed on its line'
    return tokenOf('pattern', '', position, { severity: 'error', position, message })
  }

  #readQuoted(): Token {
    const position = this.#cursor.position()
    const { bytes, flaw, isClosed } = readQuoted(this.#cursor, this.#environment, TOKEN_BYTES_MAX)
    if (isClosed) return textToken('quoted', Uint8Array.from(bytes), position, flaw)
    this.#endFlaw = { severity: 'error', position, message: 'this quote is not closed' }
    return tokenOf('quoted', '', position, this.#endFlaw)
  }
}

/** Decodes the bytes of a token. Comments may contain any bytes, tokens must be UTF-8. */
function textToken(
  kind: 'word' | 'quoted' | 'pattern',
  bytes: Uint8Array,
  position: Position,
  flaw?: Flaw,
): Token {
  const refuse = (message: string) => tokenOf(kind, '', position, { severity: 'error', position, message })
  if (bytes.length > TOKEN_BYTES_MAX)
    return refuse(`token too long: at most ${TOKEN_BYTES_MAX} bytes are allowed`)
  if (bytes.includes(0)) return refuse('NUL byte in a token')
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return tokenOf(kind, text, position, flaw)
  } catch {
    return refuse('invalid UTF-8')
  }
}

function tokenOf(kind: Token['kind'], text: string, position: Position, flaw?: Flaw): Token {
  return flaw === undefined ? { kind, text, position } : { kind, text, position, flaw }
}

function bytesOf(characters: string): number[] {
  return [...Buffer.from(characters)]
}
