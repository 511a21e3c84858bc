/** A tokenizer for TypeScript, sufficient for the rules of this folder. */

export interface Token {
  readonly kind: 'word' | 'number' | 'text' | 'pattern' | 'sign'
  /** Of a string: the content between its quotes. */
  readonly text: string
  readonly line: number
}

export interface Comment {
  readonly text: string
  readonly line: number
}

export interface Tokens {
  readonly tokens: readonly Token[]
  readonly comments: readonly Comment[]
}

/** After these words a slash starts a regular expression, after all others it is a division. */
const BEFORE_PATTERN = new Set([
  'return',
  'typeof',
  'case',
  'in',
  'of',
  'do',
  'else',
  'void',
  'throw',
  'await',
])

const SIGNS = ['===', '!==', '...', '=>', '==', '!=', '<=', '>=', '&&', '||', '??', '?.', '++', '--']

const WORD = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy
const NUMBER = /(?:\d[\d_]*\.?[\d_]*(?:e[+-]?\d+)?|0[xob][\da-f_]+)n?/iy
const BLANK = /\s+/y
const LINE_COMMENT = /\/\/[^\n]*/y
const BLOCK_COMMENT = /\/\*[\s\S]*?\*\//y
const QUOTED = /'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"/y
const PATTERN = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y
/** The text of a template up to its end or to the next value. */
const TEMPLATE = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*(`|\$\{)/y

/** Splits a source into tokens and comments; strings, template parts and regular expressions are one token each. */
export function tokenize(source: string): Tokens {
  const reader = new Reader(source)
  while (!reader.isAtEnd) reader.readOne()
  return reader
}

class Reader implements Tokens {
  readonly tokens: Token[] = []
  readonly comments: Comment[] = []
  readonly #source: string
  #at = 0
  #line = 1
  /** Brace depths at which the values of open templates end. */
  readonly #templates: number[] = []
  #depth = 0

  constructor(source: string) {
    this.#source = source
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#source.length
  }

  readOne(): void {
    if (this.#take(BLANK) !== undefined) return
    const line = this.#line
    const comment = this.#take(LINE_COMMENT) ?? this.#take(BLOCK_COMMENT)
    if (comment !== undefined) this.comments.push({ text: comment, line })
    else if (!this.#readText(line) && !this.#readPlain(line)) this.#readSign(line)
  }

  #readText(line: number): boolean {
    const quoted = this.#take(QUOTED)
    if (quoted !== undefined) this.tokens.push({ kind: 'text', text: quoted.slice(1, -1), line })
    else if (this.#source[this.#at] === '`') {
      this.#at++
      this.#readTemplate(line)
    } else return false
    return true
  }

  #readTemplate(line: number): void {
    const part = this.#take(TEMPLATE) ?? this.#skip()
    this.tokens.push({ kind: 'text', text: part.replace(/`$|\$\{$/, ''), line })
    if (part.endsWith('${')) this.#templates.push(this.#depth++)
  }

  #readPlain(line: number): boolean {
    const word = this.#take(WORD)
    const number = word === undefined ? this.#take(NUMBER) : undefined
    const pattern =
      word === undefined && number === undefined && this.#mayBePattern ? this.#take(PATTERN) : undefined
    const text = word ?? number ?? pattern
    if (text === undefined) return false
    this.tokens.push({
      kind: word !== undefined ? 'word' : number !== undefined ? 'number' : 'pattern',
      text,
      line,
    })
    return true
  }

  #readSign(line: number): void {
    const sign = SIGNS.find((sign) => this.#source.startsWith(sign, this.#at)) ?? this.#source[this.#at] ?? ''
    this.#at += sign.length
    if (sign === '}' && this.#templates.at(-1) === this.#depth - 1) {
      this.#depth--
      this.#templates.pop()
      this.#readTemplate(line)
      return
    }
    if (sign === '{') this.#depth++
    if (sign === '}') this.#depth--
    this.tokens.push({ kind: 'sign', text: sign, line })
  }

  get #mayBePattern(): boolean {
    const last = this.tokens.at(-1)
    if (last === undefined) return true
    if (last.kind === 'word') return BEFORE_PATTERN.has(last.text)
    return last.kind === 'sign' && ![')', ']', '}'].includes(last.text)
  }

  #take(expression: RegExp): string | undefined {
    expression.lastIndex = this.#at
    const found = expression.exec(this.#source)?.[0]
    if (found === undefined || found === '') return undefined
    this.#at += found.length
    this.#line += found.split('\n').length - 1
    return found
  }

  #skip(): string {
    const rest = this.#source.slice(this.#at)
    this.#at = this.#source.length
    return rest
  }
}

/** Opening brackets and their counterparts. */
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }

/** Index of the token that closes the bracket at `open`, or the last index. */
export function closingOf(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let i = open; i < tokens.length; i++) {
    const { kind, text } = tokens[i] as Token
    if (kind !== 'sign') continue
    if (text in CLOSING) depth++
    else if (text === ')' || text === ']' || text === '}') depth--
    if (depth === 0) return i
  }
  return tokens.length - 1
}
