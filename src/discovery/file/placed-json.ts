/** Reads JSON (RFC 8259) with the lines of its parts, which `JSON.parse` does not report, not even of an error. */
import { shownText } from '../json-fields.js'
import { SourceFailure } from '../source-failure.js'

export interface PlacedJson {
  readonly value: unknown
  /** By array: the lines of its elements. */
  readonly linesOf: ReadonlyMap<readonly unknown[], readonly number[]>
}

/** Members are three levels deep. */
const DEPTH_MAX = 32
/** Shown of what is wrong. */
const FOUND_LENGTH_MAX = 20

const BLANK = /[ \t\n\r]*/y
/** Strings and scalars as `JSON.parse` accepts them. */
const STRING = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** Throws a `SourceFailure`: `line 3: expected ',' or ']', but got "}"`. */
export function readPlacedJson(text: string): PlacedJson {
  const reader = new Reader(text)
  return { value: reader.document(), linesOf: reader.linesOf }
}

class Reader {
  readonly linesOf = new Map<readonly unknown[], readonly number[]>()
  readonly #text: string
  #at = 0
  #depth = 0
  /** The line of the position up to which line ends have been counted. */
  #line = 1
  #countedTo = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): unknown {
    const value = this.#value('a value')
    this.#skipBlanks()
    if (this.#at < this.#text.length) throw this.#expected('the end of the file')
    return value
  }

  #value(what: string): unknown {
    this.#skipBlanks()
    if (this.#take('[')) return this.#nested(() => this.#array())
    if (this.#take('{')) return this.#nested(() => this.#object())
    const literal = this.#match(STRING) ?? this.#match(SCALAR)
    if (literal === undefined) throw this.#expected(what)
    return JSON.parse(literal)
  }

  #nested<T>(read: () => T): T {
    if (this.#depth++ >= DEPTH_MAX) throw new SourceFailure(`line ${this.#lineHere()}: nested too deeply`)
    const value = read()
    this.#depth--
    return value
  }

  #array(): readonly unknown[] {
    const items: unknown[] = []
    const lines: number[] = []
    this.linesOf.set(items, lines)
    this.#skipBlanks()
    if (this.#take(']')) return items
    do {
      this.#skipBlanks()
      lines.push(this.#lineHere())
      items.push(this.#value(items.length === 0 ? "a value or ']'" : 'a value'))
      this.#skipBlanks()
    } while (this.#take(','))
    if (!this.#take(']')) throw this.#expected("',' or ']'")
    return items
  }

  #object(): Readonly<Record<string, unknown>> {
    const entries: [string, unknown][] = []
    this.#skipBlanks()
    if (this.#take('}')) return {}
    do {
      this.#skipBlanks()
      const key = this.#match(STRING)
      if (key === undefined) throw this.#expected(entries.length === 0 ? "a key or '}'" : 'a key')
      this.#skipBlanks()
      if (!this.#take(':')) throw this.#expected("':'")
      entries.push([JSON.parse(key), this.#value('a value')])
      this.#skipBlanks()
    } while (this.#take(','))
    if (!this.#take('}')) throw this.#expected("',' or '}'")
    return Object.fromEntries(entries)
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #skipBlanks(): void {
    this.#match(BLANK)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const [found] = pattern.exec(this.#text) ?? []
    this.#at += found?.length ?? 0
    return found
  }

  #lineHere(): number {
    for (; this.#countedTo < this.#at; this.#countedTo++)
      if (this.#text[this.#countedTo] === '\n') this.#line++
    return this.#line
  }

  #expected(what: string): SourceFailure {
    const rest = this.#text.slice(this.#at, this.#at + FOUND_LENGTH_MAX).split('\n')[0] ?? ''
    const found = this.#at >= this.#text.length ? 'the file ends' : `got ${shownText(rest)}`
    return new SourceFailure(`line ${this.#lineHere()}: expected ${what}, but ${found}`)
  }
}
