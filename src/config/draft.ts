import type { Position } from '../base/problem.js'
import type { Problems } from './problems.js'
import type { Block, BlockRow, BlocksRow, Completion, Heading, KindsRow, Row } from './row.js'

/** What a block was given: by the key of the row, all values or drafts of nested blocks in order. */
export interface Draft {
  readonly position: Position
  readonly given: Map<string, unknown[]>
  /** Of a block of one of several kinds. */
  readonly heading: Heading | undefined
  /** Something in it was not understood: what seems to be missing may have been meant. */
  hasMistakes: boolean
}

export interface CompletionContext {
  readonly problems: Problems
  readonly isInetd: boolean
  /** Of all blocks so far. */
  listenerCount: number
}

/**
 * Listeners of a configuration: each port of TCP once. They cost about a kilobyte each, and a process may have few more
 * open files; forty ranges of all ports would take all memory before anybody counted descriptors.
 */
const LISTENERS_MAX = 65_536

type Given = Readonly<Record<string, unknown>>

export function emptyDraft(position: Position, heading?: Heading): Draft {
  return { position, given: new Map(), heading, hasMistakes: false }
}

export function addGiven(draft: Draft, key: string, value: unknown): void {
  const values = draft.given.get(key) ?? []
  values.push(value)
  draft.given.set(key, values)
}

/** The draft of a nested block of which there is one, however often it is written. */
export function nestedDraft(draft: Draft, key: string, position: Position): Draft {
  const [known] = draft.given.get(key) ?? []
  if (known !== undefined) return known as Draft
  const created = emptyDraft(position)
  addGiven(draft, key, created)
  return created
}

/**
 * Turns a draft into settings: defaults and inherited values filled in, nested blocks completed. That the
 * rows' values have the types that Settings<R> infers from the rows is known here and nowhere else.
 */
export function completeDraft<S>(
  block: Block<S>,
  draft: Draft,
  outer: Given,
  context: CompletionContext,
  place = 0,
): S | undefined {
  const settings: Record<string, unknown> = { position: draft.position }
  const rows = Object.entries(block.rows)
  for (const [key, row] of rows.filter(([, { kind }]) => kind === 'value' || kind === 'list')) {
    settings[key] = plainSetting(row, draft.given.get(key) ?? [], row.isInherited ? outer[key] : undefined)
  }
  for (const [key, row] of rows) {
    const drafts = (draft.given.get(key) ?? []) as Draft[]
    const complete = (inner: Block<unknown> | undefined, from: Draft, at?: number) =>
      inner && completeDraft(inner, from, settings, context, at)
    if (row.kind === 'block') settings[key] = complete(row.block, drafts[0] ?? emptyDraft(draft.position))
    if (row.kind !== 'blocks' && row.kind !== 'kinds') continue
    settings[key] = drafts
      .map((from, at) => complete(blockOf(row, from), from, at))
      .filter((made) => made !== undefined)
  }
  return block.complete(Object.freeze(settings) as never, completionOf(block, draft, context, place))
}

/** Whether something in a block was not understood or refused, or in one of the blocks within it. */
export function hasMistakesWithin(block: Block<unknown>, draft: Draft): boolean {
  if (draft.hasMistakes) return true
  return Object.entries(block.rows).some(([key, row]) => {
    if (row.kind !== 'block' && row.kind !== 'blocks' && row.kind !== 'kinds') return false
    return ((draft.given.get(key) ?? []) as Draft[]).some((inner) => {
      const of = blockOf(row, inner)
      return of !== undefined && hasMistakesWithin(of, inner)
    })
  })
}

/** Whether something in a block was not understood, or in the blocks of one kind within it. */
export function hasMistakesIn(draft: Draft, key: string): boolean {
  const inner = (draft.given.get(key) ?? []) as Draft[]
  return draft.hasMistakes || inner.some(({ hasMistakes }) => hasMistakes)
}

function completionOf(
  block: Block<unknown>,
  draft: Draft,
  context: CompletionContext,
  place: number,
): Completion {
  const { isInetd, problems } = context
  const hasMistakes = hasMistakesWithin(block, draft)
  const refuse = (message: string) => {
    if (!hasMistakes) problems.error(draft.position, message)
    draft.hasMistakes = true
    return undefined
  }
  const claimListeners = (count: number) => {
    const before = context.listenerCount
    context.listenerCount += count
    const isTooMany = context.listenerCount > LISTENERS_MAX
    if (isTooMany && before <= LISTENERS_MAX) {
      refuse(`a configuration may have ${LISTENERS_MAX} listening sockets at most, one for each port`)
    }
    return !isTooMany
  }
  return { refuse, claimListeners, hasMistakes, isInetd, name: draft.heading?.name ?? String(place) }
}

function blockOf(
  row: BlockRow<unknown> | BlocksRow<unknown> | KindsRow<unknown>,
  { heading }: Draft,
): Block<unknown> | undefined {
  return row.kind === 'kinds' ? row.kinds.get(heading?.kind ?? '') : row.block
}

function plainSetting(row: Row, values: readonly unknown[], outer: unknown): unknown {
  if (row.kind === 'list') return row.collect(values, outer)
  if (row.kind !== 'value') return undefined
  return values.at(-1) ?? outer ?? row.fallback
}
