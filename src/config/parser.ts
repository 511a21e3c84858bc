/** The parser of the configuration language: reads blocks of directives as the rows of the table define them. */
import type { Position } from '../base/problem.js'
import { isPlainAddress } from './address-types.js'
import { addGiven, type Draft, emptyDraft, nestedDraft } from './draft.js'
import { shortened } from './expectation.js'
import { BraceWatch, outsiderAt, type Place } from './missing-brace.js'
import { inPlace } from './places.js'
import { type RecoveryEnd, reportUnclosed, skipDirective } from './recovery.js'
import { Refusals } from './refusals.js'
import type { Block, KindsRow, ListRow, Need, ValueRow } from './row.js'
import { isPunctuation, isReported, isText, type Token } from './token.js'
import { reportSemicolon, reportUnexpected, type ValueInput, type ValueType } from './value-type.js'
import { nameOf, type Target, type WordNode, wordTree } from './word-tree.js'

/** A directive that was given, with its accepted value. */
export interface GivenDirective {
  /** The enclosing blocks, outermost first: `['spawnd', 'listen']`. */
  readonly blocks: readonly string[]
  /** The directive's first spelling. */
  readonly name: string
  readonly position: Position
  readonly value: unknown
  /** The feature that it requires. */
  readonly needs: Need | undefined
  /** Children of another program handle it themselves. */
  readonly isForwarded: boolean
}

export interface ParserRequest extends Omit<ValueInput, 'words'> {
  readonly given: GivenDirective[]
  /** Returns block and draft of a selected section; undefined to skip it. */
  openSection(name: Token): { readonly block: Block<unknown>; readonly draft: Draft } | undefined
  /** Called after a skipped section, with the words that seem to begin its directives. */
  onSkipped(name: Token, firstWords: ReadonlySet<string>): void
}

/** After an error the parser continues with the next directive, so that one pass reports all errors. */
export class Parser {
  readonly #request: ParserRequest
  readonly #braces = new BraceWatch()
  /** The outer place at which parsing continues when blocks inside it lack their `}`. */
  #resumeAt: Place | undefined
  readonly #refusals: Refusals

  constructor(request: ParserRequest) {
    this.#request = request
    this.#refusals = new Refusals(request, this.#braces)
  }

  /** Parses the top level of a file. False if the input ended early, so that a part of the file is unread. */
  parseFile(block: Block<unknown>, draft: Draft): boolean {
    const { tokens, problems } = this.#request
    const { position } = draft
    const place = {
      block,
      draft,
      blocks: [],
      outer: undefined,
      label: block.name,
      position,
      indent: 0,
      isIndented: false,
    }
    // A surplus `}` ends `#parseDirectives`; the rest of the file is parsed after it.
    for (;;) {
      this.#parseDirectives(place)
      const end = tokens.peek()
      const { isReported: isBraceMissing } = this.#braces
      if (end.kind === 'end') return !isReported(end) && !problems.hasErrorAt(end.position) && !isBraceMissing
      // After a missing `}` was reported, the surplus ones are consequences.
      const isNew = !isBraceMissing && !problems.hasErrorAt(end.position)
      if (isNew) problems.error(end.position, "unmatched '}'")
      tokens.next()
    }
  }

  /**
   * Parses directives up to a `}` or the end, which is not consumed, or up to a token that belongs to an outer place.
   */
  #parseDirectives(place: Place): void {
    const { tokens } = this.#request
    for (
      let token = tokens.peek();
      token.kind !== 'end' && !isPunctuation(token, '}');
      token = tokens.peek()
    ) {
      // Unwinds the blocks that lack their `}`, up to the place where the token belongs.
      if (this.#resumeAt !== undefined && this.#resumeAt !== place) return
      this.#resumeAt = undefined
      if (tokens.isOnNewLine(token)) {
        this.#braces.startLine(token)
        place.isIndented ||= token.position.column > place.indent
      }
      if (!this.#isBehindMissingBrace(place, token) && !this.#refusals.skipForeign(token))
        this.#parseDirective(place, token)
    }
  }

  #parseDirective(place: Place, start: Token): void {
    const { tokens } = this.#request
    const root = wordTree(place.block)
    const words: string[] = []
    let node = root
    for (let next = this.#child(node); next !== undefined; next = this.#child(node)) {
      // Walks down the tree as far as words match: the longest directive wins.
      words.push(tokens.next().text.replace(/;$/, ''))
      node = next
    }
    if (node.target !== undefined) this.#parseTarget(place, node.target, start, words)
    else if (node !== root || !this.#parseBare(place, start)) this.#refuse(place, words, start)
  }

  #child(node: WordNode): WordNode | undefined {
    const token = this.#request.tokens.peek()
    if (token.kind !== 'word') return undefined
    const child = node.children.get(token.text) ?? node.children.get(token.text.replace(/;$/, ''))
    if (child !== undefined && token.text.endsWith(';')) reportSemicolon(this.#request.problems, token)
    return child
  }

  /** An address without the word `address`, where the block allows it. */
  #parseBare(place: Place, start: Token): boolean {
    const { block } = place
    const row = block.bareKey === undefined ? undefined : block.rows[block.bareKey]
    if (block.bareKey === undefined || (row?.kind !== 'value' && row?.kind !== 'list')) return false
    if (!isText(start) || isReported(start) || !isPlainAddress(start.text)) return false
    this.#addValue(place, { row, key: block.bareKey, innerKey: undefined }, row, start, [])
    return true
  }

  #parseTarget(place: Place, target: Target, start: Token, words: readonly string[]): void {
    const { row } = target
    const hasEquals = this.#request.tokens.skipEquals()
    if (row.kind === 'sections') this.#parseSection(place, start)
    else if (row.kind === 'kinds') this.#parseKind(place, target.key, row, start, words)
    else if (row.kind === 'value' || row.kind === 'list') {
      // After `=` a value must follow: `tls =` is an error, `tls` means yes.
      const isBare = !hasEquals && this.#hasNoValue(row.type)
      this.#addValue(place, target, row, start, words, isBare ? row.type.bare : undefined)
    } else {
      const { position } = start
      const draft =
        // Several blocks of a name fill one draft; of `blocks` each has its own.
        row.kind === 'block' ? nestedDraft(place.draft, target.key, position) : emptyDraft(position)
      if (row.kind === 'blocks') addGiven(place.draft, target.key, draft)
      this.#parseBlock(this.#inner(place, row.block, draft, [nameOf(row)], start), start)
    }
  }

  #hasNoValue({ bare }: ValueType<unknown>): boolean {
    const token = this.#request.tokens.peek()
    return bare !== undefined && !(isText(token) && bare.isValue(token.text.replace(/;$/, '')))
  }

  #addValue(
    place: Place,
    { key, innerKey }: Target,
    row: ValueRow<unknown> | ListRow<unknown>,
    start: Token,
    words: readonly string[],
    bare?: { readonly value: unknown },
  ): void {
    const { given } = this.#request
    const value = bare === undefined ? row.type.read({ ...this.#request, words }) : bare.value
    if (value === undefined) {
      this.#recover(place, start)
      return
    }
    const { draft, blocks } = place
    const { position } = start
    // Some values of a directive need no feature, such as `no`.
    const needs = (row.needsWhen?.(value) ?? true) ? row.needs : undefined
    given.push({ blocks, name: nameOf(row), position, value, needs, isForwarded: row.isForwarded === true })
    // A row of a nested block that is written outside of it goes into the draft of that block.
    if (innerKey === undefined) addGiven(draft, key, value)
    else addGiven(nestedDraft(draft, key, position), innerKey, value)
  }

  /** Parses `[NAME] = KIND { … }`. */
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
      this.#recover(place, start)
      return
    }
    const name = nameOf(row)
    given.push({ blocks: place.blocks, name, position, value: heading, needs, isForwarded: false })
    const draft = emptyDraft(position, heading)
    addGiven(place.draft, key, draft)
    this.#parseBlock(this.#inner(place, block, draft, [name, block.name], start), start)
  }

  #inner(
    outer: Place,
    block: Block<unknown>,
    draft: Draft,
    names: readonly string[],
    { position }: Token,
    label = names[0] ?? block.name,
  ): Place {
    const { indent } = this.#braces
    return {
      block,
      draft,
      blocks: [...outer.blocks, ...names],
      outer,
      label,
      position,
      indent,
      isIndented: false,
    }
  }

  #parseSection(outer: Place, start: Token): void {
    const { tokens, problems } = this.#request
    const name = tokens.peek()
    if (!isText(name)) {
      reportUnexpected(problems, name, 'a section name')
      return
    }
    tokens.next()
    const label = `id = ${shortened(name.text)}`
    const section = this.#request.openSection(name)
    if (section !== undefined) {
      const { block, draft } = section
      this.#parseBlock(this.#inner(outer, block, draft, [block.name], start, label), start)
      this.#braces.endSection()
    } else if (this.#takeOpening()) {
      // Collected to classify the section (`other-section.ts`).
      const firstWords = new Set<string>()
      if (!tokens.skipBraced(firstWords)) reportUnclosed(this.#request, { ...start, label })
      this.#request.onSkipped(name, firstWords)
    }
  }

  /** Parses `{ … }`. */
  #parseBlock(place: Place, start: Token): void {
    if (!this.#takeOpening(place.block)) {
      this.#recover(place, start, 'line')
      return
    }
    const { patterns, tokens } = this.#request
    // `regex-match-case` applies until the end of the enclosing block.
    const { isCaseMatched } = patterns
    this.#parseDirectives(place)
    patterns.isCaseMatched = isCaseMatched
    const end = tokens.peek()
    if (this.#resumeAt === undefined && end.kind !== 'end') {
      if (tokens.isOnNewLine(end)) this.#braces.closeAtLineStart(place, end)
      tokens.next()
      return
    }
    // The rest of the block is unread.
    place.draft.hasMistakes = true
    const { isReported: wasReported } = this.#braces
    const hint = this.#braces.questionAtEnd(end.position)
    if (this.#resumeAt === undefined && !wasReported) reportUnclosed(this.#request, place, hint)
  }

  #takeOpening(block?: Block<unknown>): boolean {
    const { tokens } = this.#request
    const isThere = isPunctuation(tokens.peek(), '{')
    if (isThere) tokens.next()
    else this.#refusals.reportOpening(block)
    return isThere
  }

  /** Whether the token belongs to an outer place, because this one lacks its `}`; if so, parsing resumes there. */
  #isBehindMissingBrace(place: Place, { position }: Token): boolean {
    const { tokens, problems } = this.#request
    const outsider = outsiderAt(place, tokens)
    if (outsider === undefined) return false
    const hint = this.#braces.question(place, position)
    problems.error(position, `${outsider.what} begins ${inPlace(place.block)}`, { hint })
    this.#resumeAt = outsider.place
    return true
  }

  /** Reports a token that begins or continues no directive, and skips to the next directive. */
  #refuse(place: Place, words: readonly string[], start: Token): void {
    const end = this.#refusals.report(place, words, start)
    if (end !== undefined) this.#recover(place, start, end)
  }

  #recover({ block, draft }: Place, start: Token, end: RecoveryEnd = 'directive'): void {
    draft.hasMistakes = true
    skipDirective(this.#request, block, start, end)
  }
}
