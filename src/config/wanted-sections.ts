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

/** A section that is to be read, or would be if it were wanted. */
export interface WantedSection {
  readonly id: string | undefined
  readonly block: Block<unknown>
  readonly draft: Draft
  readonly foundAt: Position | undefined
}

/** Keeps track of which sections a file must have and which it has had. The first of a name counts. */
export class WantedSections {
  readonly #start: Position
  readonly #problems: Problems
  readonly #met = new Set<string>()
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

  /** Undefined: the section of that name is to be skipped. */
  open(name: Token): WantedSection | undefined {
    this.#met.add(name.text)
    const { position } = name
    const known = [this.#spawnd, this.#tcprelay].find(({ id }) => id === name.text)
    if (known?.foundAt !== undefined) {
      const { file, line } = known.foundAt
      const text = `section ${shown(name.text)} has been read at ${file}:${line}: this one is skipped`
      this.#problems.warn(position, text)
      return undefined
    }
    if (known === undefined) return undefined
    const opened = { ...known, draft: emptyDraft(position), foundAt: position }
    if (known === this.#spawnd) this.#spawnd = opened
    else this.#tcprelay = opened
    return opened
  }

  reportMissing(): void {
    const { id: masterId } = this.#spawnd
    if (masterId !== undefined && masterId === this.#tcprelay.id) {
      this.#problems.error(this.#start, `master and children cannot both read section ${shown(masterId)}`)
      return
    }
    for (const { id, foundAt } of [this.#spawnd, this.#tcprelay]) {
      if (id === undefined || foundAt !== undefined) continue
      const close = nearest(id, this.#met)
      const hint = close === undefined ? undefined : `there is a section ${shown(close)}`
      this.#problems.error(this.#start, `no configuration for id ${shown(id)} found`, {
        hint,
        code: 'no-section',
      })
    }
  }
}
