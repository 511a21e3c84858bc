import type { Position } from '../base/problem.js'
import type { Problems } from './problems.js'
import type {
  Block,
  BlockRow,
  BlocksRow,
  Completion,
  Heading,
  KindsRow,
  ListRow,
  Row,
  ValueRow,
} from './row.js'

/** A block as it was parsed: for each row, by its key, all values or drafts of nested blocks in order. */
export interface Draft {
  readonly position: Position
  readonly given: Map<string, unknown[]>
  /** For a block of one of several kinds. */
  readonly heading: Heading | undefined
  /** A directive in it was rejected: what seems to be missing may only be misspelled. */
  hasMistakes: boolean
}

export interface CompletionContext {
  readonly problems: Problems
  readonly isInetd: boolean
  /** Listeners of all blocks so far. */
  listenerCount: number
}

/**
 * Limit of listeners: every TCP port once. A listener takes about a kilobyte, and each one an open file; without the
 * limit, forty ranges of all ports would exhaust memory before the check of descriptors.
 */
const LISTENERS_MAX = 65_536

const NOTHING: readonly unknown[] = []

type Given = Readonly<Record<string, unknown>>
type PlainRow = ValueRow<unknown> | ListRow<unknown>
type NestedRow = BlockRow<unknown> | BlocksRow<unknown> | KindsRow<unknown>

/** The rows of a block by what they hold. A configuration may have ten thousand blocks of one kind. */
interface RowsOfBlock {
  readonly plain: readonly (readonly [string, PlainRow])[]
  readonly nested: readonly (readonly [string, NestedRow])[]
}

const rowsOfBlocks = new WeakMap<Block<unknown>, RowsOfBlock>()

export function emptyDraft(position: Position, heading?: Heading): Draft {
  return { position, given: new Map(), heading, hasMistakes: false }
}

export function addGiven(draft: Draft, key: string, value: unknown): void {
  const values = draft.given.get(key) ?? []
  values.push(value)
  draft.given.set(key, values)
}

/** The one draft of a nested block, which may be written several times. */
export function nestedDraft(draft: Draft, key: string, position: Position): Draft {
  // Several blocks of the same name add up: the first position is kept.
  const [known] = draft.given.get(key) ?? []
  if (known !== undefined) return known as Draft
  const created = emptyDraft(position)
  addGiven(draft, key, created)
  return created
}

/**
 * Converts a draft to settings: fills in defaults and inherited values, completes nested blocks. The casts are sound
 * because each value was read by its row's type, from which Settings<R> infers the type of the setting.
 */
export function completeDraft<S>(
  block: Block<S>,
  draft: Draft,
  outer: Given,
  context: CompletionContext,
  place = 0,
): S | undefined {
  const settings: Record<string, unknown> = { position: draft.position }
  const { nested, plain } = rowsOf(block)
  // Plain values first, because nested blocks inherit them.
  for (const [key, row] of plain) {
    settings[key] = plainSetting(
      row,
      draft.given.get(key) ?? NOTHING,
      row.isInherited ? outer[key] : undefined,
    )
  }
  // Before blocks that may be repeated, which inherit from them.
  for (const [key, row] of nested) {
    if (row.kind !== 'block') continue
    const [from] = (draft.given.get(key) ?? []) as Draft[]
    if (from === undefined && row.isOptional === true)
      settings[key] = row.isInherited ? outer[key] : undefined
    else settings[key] = completeDraft(row.block, from ?? emptyDraft(draft.position), settings, context)
  }
  for (const [key, row] of nested) {
    if (row.kind === 'block') continue
    const drafts = (draft.given.get(key) ?? []) as Draft[]
    const complete = (inner: Block<unknown> | undefined, from: Draft, at?: number) =>
      inner && completeDraft(inner, from, settings, context, at)
    settings[key] = drafts
      .map((from, at) => complete(blockOf(row, from), from, at))
      .filter((made) => made !== undefined)
  }
  return block.complete(Object.freeze(settings) as never, completionOf(block, draft, context, place))
}

/** Whether a directive in a block, or in any nested block, was rejected. */
export function hasMistakesWithin(block: Block<unknown>, draft: Draft): boolean {
  if (draft.hasMistakes) return true
  return rowsOf(block).nested.some(([key, row]) => {
    return ((draft.given.get(key) ?? []) as Draft[]).some((inner) => {
      const of = blockOf(row, inner)
      return of !== undefined && hasMistakesWithin(of, inner)
    })
  })
}

/** Whether a directive in a block, or in its nested blocks of one row, was rejected. */
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
    // What is missing may only be misspelled, and the misspelling has been reported.
    if (!hasMistakes) problems.error(draft.position, message)
    draft.hasMistakes = true
    return undefined
  }
  const claimListeners = (count: number) => {
    const before = context.listenerCount
    context.listenerCount += count
    const isTooMany = context.listenerCount > LISTENERS_MAX
    if (isTooMany && before <= LISTENERS_MAX) {
      refuse(`too many listening sockets: at most ${LISTENERS_MAX} are allowed, one for each port`)
    }
    return !isTooMany
  }
  return { refuse, claimListeners, hasMistakes, isInetd, name: draft.heading?.name ?? String(place) }
}

function blockOf(row: NestedRow, { heading }: Draft): Block<unknown> | undefined {
  return row.kind === 'kinds' ? row.kinds.get(heading?.kind ?? '') : row.block
}

function rowsOf(block: Block<unknown>): RowsOfBlock {
  const known = rowsOfBlocks.get(block)
  if (known !== undefined) return known
  const rows = Object.entries(block.rows)
  const isPlain = (entry: readonly [string, Row]): entry is [string, PlainRow] => {
    return entry[1].kind === 'value' || entry[1].kind === 'list'
  }
  const isNested = (entry: readonly [string, Row]): entry is [string, NestedRow] => {
    return !isPlain(entry) && entry[1].kind !== 'sections'
  }
  const made = { plain: rows.filter(isPlain), nested: rows.filter(isNested) }
  rowsOfBlocks.set(block, made)
  return made
}

function plainSetting(row: PlainRow, values: readonly unknown[], outer: unknown): unknown {
  if (row.kind === 'list') return row.collect(values, outer)
  // The last one given overrides the others, then the inherited value, then the default.
  return values.at(-1) ?? outer ?? row.fallback
}
