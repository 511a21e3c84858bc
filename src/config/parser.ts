import type { Position } from '../base/problem.js'
import { isPlainAddress } from './address-types.js'
import { addGiven, type Draft, emptyDraft, nestedDraft } from './draft.js'
import { didYouMean, refuseWord } from './expectation.js'
import type { Block, KindsRow, ListRow, Need, ValueRow } from './row.js'
import { isPunctuation, isReported, isText, type Token } from './token.js'
import { NEEDS_QUOTES_HINT, reportUnexpected, type ValueInput, type ValueType } from './value-type.js'
import { nameOf, type Target, type WordNode, wordTree } from './word-tree.js'

/** A directive that was given, with a value that its row accepts. */
export interface GivenDirective {
  /** The blocks around it, outermost first: `['spawnd', 'listen']`. */
  readonly blocks: readonly string[]
  /** The directive's first spelling. */
  readonly name: string
  readonly position: Position
  readonly value: unknown
  /** The feature that it asks for. */
  readonly needs: Need | undefined
  /** Children of another program do not need it of us. */
  readonly isForwarded: boolean
}

export interface ParserRequest extends Omit<ValueInput, 'words'> {
  readonly given: GivenDirective[]
  /** The block and draft for a section that is wanted; undefined to skip it. */
  openSection(name: Token): { readonly block: Block<unknown>; readonly draft: Draft } | undefined
  /** Where a word would be a directive, if not here. */
  placeOf(word: string): string | undefined
}

interface Place {
  readonly block: Block<unknown>
  readonly draft: Draft
  readonly blocks: readonly string[]
}

/** Reads blocks as their rows say. After a mistake it goes on with the next directive. */
export class Parser {
  readonly #request: ParserRequest

  constructor(request: ParserRequest) {
    this.#request = request
  }

  /** Reads the top level of a file. False when its end came early, so that not all of it has been seen. */
  parseFile(block: Block<unknown>, draft: Draft): boolean {
    const { tokens, problems } = this.#request
    for (;;) {
      this.#parseDirectives({ block, draft, blocks: [] })
      const end = tokens.peek()
      if (end.kind === 'end') return !isReported(end) && !problems.hasErrorAt(end.position)
      if (!problems.hasErrorAt(end.position)) problems.error(end.position, "this '}' closes nothing")
      tokens.next()
    }
  }

  /** Reads directives up to a `}` or the end, which stays. */
  #parseDirectives(place: Place): void {
    const { tokens } = this.#request
    for (
      let token = tokens.peek();
      token.kind !== 'end' && !isPunctuation(token, '}');
      token = tokens.peek()
    ) {
      this.#parseDirective(place, token)
    }
  }

  #parseDirective(place: Place, start: Token): void {
    const { tokens } = this.#request
    const root = wordTree(place.block)
    const words: string[] = []
    let node = root
    for (let next = this.#child(node); next !== undefined; next = this.#child(node)) {
      words.push(tokens.next().text)
      node = next
    }
    if (node.target !== undefined) this.#parseTarget(place, node.target, start, words)
    else if (node !== root || !this.#parseBare(place, start)) this.#refuse(place, node, start)
  }

  #child(node: WordNode): WordNode | undefined {
    const token = this.#request.tokens.peek()
    return token.kind === 'word' ? node.children.get(token.text) : undefined
  }

  /** An address without a directive in front, where the block allows it. */
  #parseBare({ block, draft, blocks }: Place, start: Token): boolean {
    const row = block.bareKey === undefined ? undefined : block.rows[block.bareKey]
    if (block.bareKey === undefined || (row?.kind !== 'value' && row?.kind !== 'list')) return false
    if (!isText(start) || isReported(start) || !isPlainAddress(start.text)) return false
    this.#addValue({ block, draft, blocks }, { row, key: block.bareKey, innerKey: undefined }, row, start, [])
    return true
  }

  #parseTarget(place: Place, target: Target, start: Token, words: readonly string[]): void {
    const { row } = target
    const hasEquals = this.#request.tokens.skipEquals()
    if (row.kind === 'sections') this.#parseSection(start)
    else if (row.kind === 'kinds') this.#parseKind(place, target.key, row, start, words)
    else if (row.kind === 'value' || row.kind === 'list') {
      const isBare = !hasEquals && this.#standsAlone(row.type)
      this.#addValue(place, target, row, start, words, isBare ? row.type.bare : undefined)
    } else {
      const { position } = start
      const draft =
        row.kind === 'block' ? nestedDraft(place.draft, target.key, position) : emptyDraft(position)
      if (row.kind === 'blocks') addGiven(place.draft, target.key, draft)
      this.#parseBlock({ block: row.block, draft, blocks: [...place.blocks, nameOf(row)] }, start)
    }
  }

  #standsAlone({ bare }: ValueType<unknown>): boolean {
    const token = this.#request.tokens.peek()
    return bare !== undefined && !(isText(token) && bare.isValue(token.text))
  }

  #addValue(
    place: Place,
    { key, innerKey }: Target,
    row: ValueRow<unknown> | ListRow<unknown>,
    { position }: Token,
    words: readonly string[],
    alone?: { readonly value: unknown },
  ): void {
    const { given } = this.#request
    const value = alone === undefined ? row.type.read({ ...this.#request, words }) : alone.value
    if (value === undefined) {
      this.#recover(place, position)
      return
    }
    const { draft, blocks } = place
    const needs = (row.needsWhen?.(value) ?? true) ? row.needs : undefined
    given.push({ blocks, name: nameOf(row), position, value, needs, isForwarded: row.isForwarded === true })
    if (innerKey === undefined) addGiven(draft, key, value)
    else addGiven(nestedDraft(draft, key, position), innerKey, value)
  }

  /** Reads `[NAME] = KIND { … }`. */
  #parseKind(
    place: Place,
    key: string,
    row: KindsRow<unknown>,
    start: Token,
    words: readonly string[],
  ): void {
    const { given } = this.#request
    const { position } = start
    const { needs } = row
    const heading = row.heading.read({ ...this.#request, words })
    const block = heading && row.kinds.get(heading.kind)
    if (block === undefined) {
      this.#recover(place, position)
      return
    }
    const name = nameOf(row)
    given.push({ blocks: place.blocks, name, position, value: heading, needs, isForwarded: false })
    const draft = emptyDraft(position, heading)
    addGiven(place.draft, key, draft)
    this.#parseBlock({ block, draft, blocks: [...place.blocks, name, block.name] }, start)
  }

  #parseSection(start: Token): void {
    const { tokens, problems } = this.#request
    const name = tokens.peek()
    if (!isText(name)) {
      reportUnexpected(problems, name, 'the name of a section')
      return
    }
    tokens.next()
    const section = this.#request.openSection(name)
    if (section !== undefined) {
      this.#parseBlock({ ...section, blocks: [section.block.name] }, start)
    } else if (this.#takeOpening()) {
      if (!tokens.skipBraced()) this.#reportUnclosed(start)
    }
  }

  /** Reads `{ … }`. */
  #parseBlock(place: Place, start: Token): void {
    if (!this.#takeOpening()) {
      this.#recover(place, start.position)
      return
    }
    const { patterns } = this.#request
    const { isCaseMatched } = patterns
    this.#parseDirectives(place)
    patterns.isCaseMatched = isCaseMatched
    if (this.#request.tokens.peek().kind === 'end') {
      place.draft.hasMistakes = true
      this.#reportUnclosed(start)
    } else this.#request.tokens.next()
  }

  #takeOpening(): boolean {
    const { tokens, problems } = this.#request
    const token = tokens.peek()
    const isThere = isPunctuation(token, '{')
    if (isThere) tokens.next()
    else reportUnexpected(problems, token, "'{'")
    return isThere
  }

  #reportUnclosed({ text, position: { file, line, column } }: Token): void {
    const { tokens, problems } = this.#request
    const place = `${file}:${line}:${column}`
    reportUnexpected(problems, tokens.peek(), `'}' to close '${text}' at ${place}`)
  }

  /** Reports a token that begins or continues no directive, and finds the next one that does. */
  #refuse(place: Place, node: WordNode, start: Token): void {
    const { tokens, problems } = this.#request
    const token = tokens.peek()
    const words = [...node.children.keys()]
    const { message } = refuseWord(words, token.text)
    const isStart = node === wordTree(place.block)
    const hint = (isStart ? this.#hintOf(token, words) : undefined) ?? didYouMean(token.text, words)
    if (token.kind === 'end') reportUnexpected(problems, token, `more behind '${start.text}'`)
    else if (!isReported(token) && !problems.hasErrorAt(token.position))
      problems.error(token.position, message, { hint })
    if (isStart && isText(token)) tokens.next()
    this.#recover(place, start.position)
  }

  #hintOf({ kind, text }: Token, words: readonly string[]): string | undefined {
    if (kind === 'quoted') return words.includes(text) ? 'a directive is written without quotes' : undefined
    // As in `HIGH:!SHA1`, which ends with the colon.
    if (text === '!') return NEEDS_QUOTES_HINT
    const elsewhere = kind === 'word' ? this.#request.placeOf(text) : undefined
    return elsewhere && `'${text}' belongs in ${elsewhere}`
  }

  /** Skips what is left of a directive: to a `}`, a new line, or the next word that begins one. */
  #recover({ block, draft }: Place, from: Position): void {
    const { tokens } = this.#request
    draft.hasMistakes = true
    for (
      let token = tokens.peek();
      token.kind !== 'end' && !isPunctuation(token, '}');
      token = tokens.peek()
    ) {
      const isNewLine = token.position.file !== from.file || token.position.line !== from.line
      if (isText(token) && (isNewLine || wordTree(block).children.has(token.text))) return
      if (this.#skipBlock()) continue
      const isEquals = tokens.skipEquals()
      if (!isEquals || isText(tokens.peek())) tokens.next()
    }
  }

  /** Skips `{ … }` if that is what comes. */
  #skipBlock(): boolean {
    const { tokens } = this.#request
    const opening = tokens.peek()
    if (!isPunctuation(opening, '{')) return false
    tokens.next()
    if (!tokens.skipBraced()) this.#reportUnclosed(opening)
    return true
  }
}
