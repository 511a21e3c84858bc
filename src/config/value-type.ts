/** Value types: how the value of a directive is parsed, and how the reference writes it. */
import { Refusal, refuseText } from './expectation.js'
import type { Names } from './names.js'
import type { Problems } from './problems.js'
import type { Sources } from './sources.js'
import { isPunctuation, isReported, isText, type Token } from './token.js'
import type { TokenStream } from './token-stream.js'

/** What a value may depend on besides its text. */
export interface World {
  readonly sources: Sources
  readonly names: Names
}

/** Options of patterns from here to the end of the block. */
export interface PatternReading {
  isCaseMatched: boolean
}

/** Input of a value type. */
export interface ValueInput extends World {
  readonly tokens: TokenStream
  readonly problems: Problems
  /** Changed by `regex-match-case` while reading. */
  readonly patterns: PatternReading
  /** Changed by `setenv` while reading. */
  readonly environment: Map<string, string>
  /** The words of the directive as written. */
  readonly words: readonly string[]
}

export interface ValueType<T> {
  /** Grammar in the reference: `SECONDS`, `queue|close|reset`. */
  readonly grammar: string
  /** Reads the value after the directive's words and `=`. Undefined: a problem has been reported. */
  read(input: ValueInput): T | undefined
  /** Formats the value for the reference. */
  format?(value: T): string
  /** For a directive that may be written without a value. */
  readonly bare?: Bare<T>
}

export interface Bare<T> {
  readonly value: T
  /** Whether the next word is the value of this directive. */
  isValue(text: string): boolean
}

export interface ValueExtras<T> {
  format?(value: T): string
  readonly bare?: Bare<T>
}

/** A value of one token. `parse` returns the value or the reason why it is rejected. */
export function oneToken<T>(
  grammar: string,
  parse: (text: string, world: World) => T | Refusal,
  extras: ValueExtras<T> = {},
): ValueType<T> {
  return {
    grammar,
    read: (input) => readOne(input, `a value (${grammar})`, (token) => parse(token.text, input)),
    ...extras,
  }
}

/** Values separated by commas. Repeated commas are treated as one; a value must follow the last. */
export function commaList<T>(item: ValueType<T>): ValueType<readonly T[]> {
  return {
    grammar: `${item.grammar}[, …]`,
    read(input) {
      const items: T[] = []
      do {
        const value = item.read(input)
        if (value === undefined) return undefined
        items.push(value)
      } while (skipCommas(input.tokens))
      return items
    },
  }
}

/** Consumes the next token if it can be a value; reports if it cannot, or if `parse` rejects it. */
export function readOne<T>(
  input: ValueInput,
  wanted: string,
  parse: (token: Token) => T | Refusal,
): T | undefined {
  const { tokens, problems } = input
  const token = tokens.peek()
  if (!isText(token)) {
    reportUnexpected(problems, token, wanted)
    return undefined
  }
  const value = isReported(token) ? undefined : parsedWithoutSemicolon(problems, token, parse)
  // An invalid word on a new line is probably the next directive, and the value is missing: it is not consumed.
  const isNext = value instanceof Refusal && token.kind === 'word' && tokens.isOnNewLine(token)
  if (!isNext) tokens.next()
  return value === undefined ? undefined : acceptedOrReported(problems, token, value)
}

/** Parses a value that may end with `;`, as in other configuration languages. */
function parsedWithoutSemicolon<T>(
  problems: Problems,
  token: Token,
  parse: (token: Token) => T | Refusal,
): T | Refusal {
  // First as written: a value may end with `;` on purpose.
  const value = parse(token)
  if (!(value instanceof Refusal) || token.kind !== 'word' || !/.;$/.test(token.text)) return value
  const bare = parse({ ...token, text: token.text.slice(0, -1) })
  if (bare instanceof Refusal) return value
  reportSemicolon(problems, token)
  return bare
}

/** Reports the first `;` at the end of a directive. */
export function reportSemicolon(problems: Problems, { position }: Token): void {
  problems.errorOnce(position, "directives do not end with ';'", { hint: "remove each ';'" })
}

export function acceptedOrReported<T>(problems: Problems, token: Token, value: T | Refusal): T | undefined {
  if (!(value instanceof Refusal)) return value
  problems.error(token.position, value.message, { hint: value.hint })
  return undefined
}

const NEEDS_QUOTES = /^[[\](),!&|]+$/
export const NEEDS_QUOTES_HINT = 'quote text that contains such characters'

/** Reports `expected WANTED, but got …`; does not consume the token. `mayBeText`: with quotes it would be valid. */
export function reportUnexpected(
  problems: Problems,
  token: Token,
  wanted: string,
  mayBeText = true,
  better?: string,
): void {
  // One error for each place.
  if (isReported(token) || problems.hasErrorAt(token.position)) return
  const { message } = refuseText(wanted, token.text)
  const text = token.kind === 'end' ? `expected ${wanted}, but the file ends` : message
  const hint = better ?? (mayBeText && NEEDS_QUOTES.test(token.text) ? NEEDS_QUOTES_HINT : undefined)
  problems.error(token.position, text, { hint })
}

function skipCommas(tokens: TokenStream): boolean {
  let isThere = false
  for (; isPunctuation(tokens.peek(), ','); isThere = true) tokens.next()
  return isThere
}
