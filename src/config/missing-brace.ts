import type { Position } from '../base/problem.js'
import type { Draft } from './draft.js'
import { shown } from './expectation.js'
import type { Block, Row } from './row.js'
import { isPunctuation, isText, type Token } from './token.js'
import type { TokenStream } from './token-stream.js'
import { targetOf, wordTree } from './word-tree.js'

/** Finds blocks that lack their `}`: by directives that belong to an outer block, and by indentation. */

/** A block that is being parsed. */
export interface Place {
  readonly block: Block<unknown>
  readonly draft: Draft
  /** The names of the enclosing blocks and its own, outermost first. */
  readonly blocks: readonly string[]
  /** The enclosing place; undefined at top level. */
  readonly outer: Place | undefined
  /** Its name in messages: `listen`, `id = spawnd`. */
  readonly label: string
  readonly position: Position
  /** Column of the first token on the line of its `{`. */
  readonly indent: number
  /** A line in it is indented further. */
  isIndented: boolean
}

/** A directive or section in a place that belongs to an outer one. */
interface Outsider {
  readonly what: string
  readonly place: Place
}

// `id`, `=`, the name and `{`; the longest directive has four words.
const SECTION_TOKENS = 4
const WORDS_MAX = 4

/** A section, or a directive of an enclosing block that is not indented further than the place itself. */
export function outsiderAt(place: Place, tokens: TokenStream): Outsider | undefined {
  const token = tokens.peek()
  if (place.outer === undefined || token.kind !== 'word') return undefined
  const name = token.text === 'id' ? sectionName(tokens.lookAhead(SECTION_TOKENS)) : undefined
  if (name !== undefined) return { what: `section ${shown(name)}`, place: outermost(place) }
  // A directive of this block is never a sign.
  if (wordTree(place.block).children.has(token.text)) return undefined
  if (!tokens.isOnNewLine(token) || token.position.column > place.indent) return undefined
  return directiveAround(place, tokens, (row) => place.isIndented || opensBlock(row))
}

/** A block of an outer place that begins with the next token. */
export function blockAround(place: Place, tokens: TokenStream): Outsider | undefined {
  return directiveAround(place, tokens, opensBlock)
}

function directiveAround(
  { outer }: Place,
  tokens: TokenStream,
  isMeant: (row: Row | undefined) => boolean,
): Outsider | undefined {
  const words = tokens.lookAhead(WORDS_MAX).map(({ text }) => text)
  for (let place = outer; place !== undefined; place = place.outer) {
    const found = targetOf(place.block, words)
    if (found !== undefined && isMeant(rowOf(place.block, found)))
      return { what: `'${found.join(' ')}'`, place }
  }
  return undefined
}

/** The name in `id = NAME {`. */
function sectionName(ahead: readonly Token[]): string | undefined {
  const [name, opening] = ahead.slice(1).filter((token) => !isPunctuation(token, '='))
  if (name === undefined || opening === undefined) return undefined
  return isText(name) && isPunctuation(opening, '{') ? name.text : undefined
}

function outermost(place: Place): Place {
  return place.outer === undefined ? place : outermost(place.outer)
}

function rowOf(block: Block<unknown>, words: readonly string[]): Row | undefined {
  let node = wordTree(block)
  for (const word of words) node = node.children.get(word) ?? node
  return node.target?.row
}

function opensBlock(row: Row | undefined): boolean {
  return row?.kind === 'block' || row?.kind === 'blocks' || row?.kind === 'kinds'
}

/** Tracks indentation and closing braces to locate a missing `}`. */
export class BraceWatch {
  #indent = 1
  /** The first block of the section whose `}` seemed to close an outer one. */
  #suspect: Place | undefined
  #isReported = false

  /** Column of the first token on the current line. */
  get indent(): number {
    return this.#indent
  }

  /** Whether a missing `}` has been reported: later problems with braces are consequences of it. */
  get isReported(): boolean {
    return this.#isReported
  }

  startLine({ position }: Token): void {
    this.#indent = position.column
  }

  /** A `}` at the start of a line, left of its block, probably closes an outer block: this block lacks its `}`. */
  closeAtLineStart(place: Place, brace: Token): void {
    this.startLine(brace)
    // The first suspect: later ones follow from it.
    if (brace.position.column < place.indent) this.#suspect ??= place
  }

  /** All blocks of a section are closed. */
  endSection(): void {
    this.#suspect = undefined
  }

  /** The hint that names the block which most likely lacks its `}`, for an error at `here`. */
  question(innermost: Place, here: Position): string {
    this.#isReported = true
    const { label, position } = this.#suspect ?? innermost
    const where = position.file === here.file ? `line ${position.line}` : `${position.file}:${position.line}`
    return `is the '}' of '${label}' at ${where} missing?`
  }

  /** Like `question`, at an early end of the file; undefined without a suspect. */
  questionAtEnd(here: Position): string | undefined {
    return this.#suspect && this.question(this.#suspect, here)
  }
}
