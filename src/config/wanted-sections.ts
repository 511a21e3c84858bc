/** Tracks which sections of a file are selected, and reports missing ones. */
import type { Position } from '../base/problem.js'
import { nearest } from '../base/suggest.js'
import { type Draft, emptyDraft } from './draft.js'
import { shown } from './expectation.js'
import type { Problems } from './problems.js'
import type { Block } from './row.js'
import type { SectionIds } from './section-choice.js'
import { spawndBlock } from './table-spawnd.js'
import { tcprelayBlock } from './table-tcprelay.js'
import type { Token } from './token.js'

/** Maximum number of sections in a hint. */
const SHOWN_MAX = 10

const ROLES: ReadonlyMap<Block<unknown>, string> = new Map<Block<unknown>, string>([
  [spawndBlock, 'the master'],
  [tcprelayBlock, 'the relay'],
])

/** A section that is read if it has an id. */
export interface WantedSection {
  readonly id: string | undefined
  readonly block: Block<unknown>
  readonly draft: Draft
  readonly foundAt: Position | undefined
}

/** Of several sections with the same name the first is read. */
export class WantedSections {
  readonly #start: Position
  readonly #problems: Problems
  /** Sections with other names, by the position of the first. */
  readonly #others = new Map<string, Position>()
  /** Replaced by `open`, when the section is found. */
  #spawnd: WantedSection
  #tcprelay: WantedSection

  constructor({ masterId, childId }: SectionIds, start: Position, problems: Problems) {
    this.#start = start
    this.#problems = problems
    this.#spawnd = { id: masterId, block: spawndBlock, draft: emptyDraft(start), foundAt: undefined }
    this.#tcprelay = { id: childId, block: tcprelayBlock, draft: emptyDraft(start), foundAt: undefined }
  }

  get spawnd(): WantedSection {
    return this.#spawnd
  }

  get tcprelay(): WantedSection {
    return this.#tcprelay
  }

  /** Undefined: the section is skipped. */
  open(name: Token): WantedSection | undefined {
    const { position } = name
    const known = [this.#spawnd, this.#tcprelay].find(({ id }) => id === name.text)
    if (known?.foundAt !== undefined) {
      const { file, line } = known.foundAt
      const text = `duplicate section ${shown(name.text)}, first read at ${file}:${line}: this one is skipped`
      this.#problems.warn(position, text)
      return undefined
    }
    if (known === undefined) {
      if (!this.#others.has(name.text)) this.#others.set(name.text, position)
      return undefined
    }
    // A new draft: positions of defaults and problems are those of the section.
    const opened = { ...known, draft: emptyDraft(position), foundAt: position }
    if (known === this.#spawnd) this.#spawnd = opened
    else this.#tcprelay = opened
    return opened
  }

  /** `hasMistakes`: without any section, a rejected directive may have been meant as one. */
  reportMissing(hasMistakes: boolean): void {
    const isNoneThere = this.#others.size === 0 && !this.#spawnd.foundAt && !this.#tcprelay.foundAt
    if (isNoneThere && hasMistakes) return
    const { id: masterId } = this.#spawnd
    if (masterId !== undefined && masterId === this.#tcprelay.id) {
      this.#problems.error(this.#start, `master and children cannot both read section ${shown(masterId)}`)
      return
    }
    this.#reportMissing(this.#spawnd, '-I')
    this.#reportMissing(this.#tcprelay, '-i')
  }

  #reportMissing({ id, block, foundAt }: WantedSection, option: string): void {
    if (id === undefined || foundAt !== undefined) return
    // At the first section that was found, which was probably meant.
    const position = [...this.#others.values()][0] ?? this.#start
    this.#problems.error(position, `there is no section ${shown(id)} for ${ROLES.get(block) ?? block.name}`, {
      hint: this.#hintFor(block, id, option),
      code: 'no-section',
    })
  }

  #hintFor(block: Block<unknown>, id: string, option: string): string {
    const all = [...this.#others]
    if (all.length === 0) return `write 'id = ${id} { … }'`
    const close = nearest(id, this.#others.keys())
    const chosen = close ?? (all.length === 1 ? all[0]?.[0] : undefined)
    const list = all.slice(0, SHOWN_MAX).map(([name, { file, line }]) => {
      return `${shown(name)} (${file === this.#start.file ? 'line ' : `${file}:`}${line})`
    })
    const mark = all.length > SHOWN_MAX ? ', …' : ''
    const sections = `there ${all.length === 1 ? 'is a section' : 'are sections'} ${list.join(', ')}${mark}`
    const choice = `the option '${option} ${chosen ?? 'NAME'}' reads ${chosen === undefined ? 'one of them' : 'it'}`
    const foreign =
      block === tcprelayBlock ? "; for children of another program write 'spawn { exec = PATH }'" : ''
    return `${sections}: ${choice}${foreign}`
  }
}
