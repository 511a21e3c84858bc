import type { Position } from '../base/problem.js'
import type { ValueType } from './value-type.js'

/** A feature that a directive asks for; until it has landed, starting with the directive is refused. */
export type Need = 'TLS' | 'SCTP' | 'MAVIS' | 'PROXY protocol'

interface RowText<T> {
  /** Ways to write it: words separated by spaces, alternatives for a word by `|`. The first is its name. */
  readonly spellings: readonly string[]
  /** What it does, in a sentence or two. */
  readonly doc: string
  /** What the value zero means. */
  readonly zero?: string
  /** What holds without it, where that is not a value of its type. */
  readonly defaultText?: string
  /** Not in the original. */
  readonly isOurs?: boolean
  readonly needs?: Need
  /** Restricts `needs` to some values. */
  needsWhen?(value: T): boolean
  /** It goes to the child with each connection: children of another program need nothing of ours for it. */
  readonly isForwarded?: boolean
  /** The directive of a nested block may also be written directly in the block around it. */
  readonly isAlsoOutside?: boolean
  /** Without it, the value of the same key of the block around this one holds. */
  readonly isInherited?: boolean
}

export interface ValueRow<out T> extends RowText<T> {
  readonly kind: 'value'
  readonly type: ValueType<T>
  readonly fallback: T
}

/** A directive that may be repeated, each adding to what was there. */
export interface ListRow<out T> extends RowText<unknown> {
  readonly kind: 'list'
  readonly type: ValueType<unknown>
  /** `inherited`: what the block around has collected. */
  collect(items: readonly unknown[], inherited: unknown): T
}

export interface BlockRow<out S> extends RowText<unknown> {
  readonly kind: 'block'
  readonly block: Block<S>
}

/** A block that may be repeated, each being a thing of its own. */
export interface BlocksRow<out S> extends RowText<unknown> {
  readonly kind: 'blocks'
  readonly block: Block<S>
}

/** What stands in front of a block whose directives depend on it. */
export interface Heading {
  /** Chooses the block. */
  readonly kind: string
  /** Undefined: it is known by its place. */
  readonly name: string | undefined
}

/** A block that may be repeated, of several kinds: `mavis module [NAME] = KIND { … }`. */
export interface KindsRow<out S> extends RowText<unknown> {
  readonly kind: 'kinds'
  readonly kinds: ReadonlyMap<string, Block<S>>
  /** Its kinds are keys of `kinds`. */
  readonly heading: ValueType<Heading>
}

/** `id = NAME { … }` */
export interface SectionsRow extends RowText<unknown> {
  readonly kind: 'sections'
}

export type Row =
  | ValueRow<unknown>
  | ListRow<unknown>
  | BlockRow<unknown>
  | BlocksRow<unknown>
  | KindsRow<unknown>
  | SectionsRow

export type Rows = Readonly<Record<string, Row>>

/** What the rows of a block make of it, typed by the rows. */
export type Settings<R extends Rows> = {
  readonly [K in keyof R as R[K] extends SectionsRow ? never : K]: SettingOf<R[K]>
} & {
  /** Where the block begins. */
  readonly position: Position
}

type SettingOf<R> =
  R extends ValueRow<infer T>
    ? T
    : R extends ListRow<infer T>
      ? T
      : R extends BlockRow<infer S>
        ? S
        : R extends BlocksRow<infer S>
          ? readonly S[]
          : R extends KindsRow<infer S>
            ? readonly S[]
            : never

export interface Completion {
  /** Reports why a block cannot be used, unless a mistake within it has been reported already. */
  refuse(message: string): undefined
  /** Counts listeners before memory is spent on them. False: there are too many, which has been reported. */
  claimListeners(count: number): boolean
  /** Something in the block, or in a block within it, was not understood: what seems to be missing may have been meant. */
  readonly hasMistakes: boolean
  /** A socket was inherited on descriptor 0. */
  readonly isInetd: boolean
  /** Of a block with a heading: its name there, or its place among those that are repeated: '0', '1', … */
  readonly name: string
}

export interface Block<out S> {
  readonly name: string
  readonly doc: string
  readonly rows: Rows
  /** The key of the row that an address without a directive in front belongs to. */
  readonly bareKey: string | undefined
  /** Checks and combines what was given. Undefined: it cannot be used, which has been reported. */
  complete(given: never, completion: Completion): S | undefined
}

export type SettingsOf<B> = B extends Block<infer S> ? S : never

type Text<T> = Omit<RowText<T>, 'spellings'>
type Spellings = string | readonly string[]

/** A directive with one value and a default. */
export function value<T>(
  spellings: Spellings,
  type: ValueType<T>,
  fallback: NoInfer<T>,
  text: Text<T>,
): ValueRow<T> {
  return { kind: 'value', spellings: [spellings].flat(), type, fallback, ...text }
}

/** A directive with one value, undefined when it is not given. */
export function optional<T>(
  spellings: Spellings,
  type: ValueType<T>,
  text: Text<T>,
): ValueRow<T | undefined> {
  return value<T | undefined>(spellings, type, undefined, text as Text<T | undefined>)
}

export function list<T>(
  spellings: Spellings,
  type: ValueType<T>,
  text: Text<unknown>,
): ListRow<readonly T[]> {
  return folded(spellings, type, (items) => items, text)
}

/** A directive whose repetitions are combined into one value. */
export function folded<T, Out>(
  spellings: Spellings,
  type: ValueType<T>,
  collect: (items: readonly T[], inherited: Out | undefined) => Out,
  text: Text<unknown>,
): ListRow<Out> {
  const row = { kind: 'list', spellings: [spellings].flat(), type, ...text } as const
  return {
    ...row,
    collect: (items, inherited) => collect(items as readonly T[], inherited as Out | undefined),
  }
}

export function nested<S>(
  spellings: Spellings,
  block: Block<S>,
  text: Omit<Text<unknown>, 'doc'> = {},
): BlockRow<S> {
  return { kind: 'block', spellings: [spellings].flat(), block, doc: block.doc, ...text }
}

export function repeated<S>(
  spellings: Spellings,
  block: Block<S>,
  text: Omit<Text<unknown>, 'doc'> = {},
): BlocksRow<S> {
  return { kind: 'blocks', spellings: [spellings].flat(), block, doc: block.doc, ...text }
}

export function ofKinds<S>(
  spellings: Spellings,
  heading: ValueType<Heading>,
  kinds: ReadonlyMap<string, Block<S>>,
  text: Text<unknown>,
): KindsRow<S> {
  return { kind: 'kinds', spellings: [spellings].flat(), heading, kinds, ...text }
}

export function sections(spellings: Spellings, text: Text<unknown>): SectionsRow {
  return { kind: 'sections', spellings: [spellings].flat(), ...text }
}

/** The same directive in a nested block, where the block around gives the default. */
export function inherited<R extends ValueRow<unknown> | ListRow<unknown>>(row: R): R {
  return { ...row, isInherited: true }
}

export function allInherited<R extends Readonly<Record<string, ValueRow<unknown> | ListRow<unknown>>>>(
  rows: R,
): R {
  const entries = Object.entries(rows).map(([key, row]) => [key, inherited(row)] as const)
  return Object.fromEntries(entries) as R
}

/** A block whose settings are what its rows say. */
export function block<const R extends Rows>(name: string, doc: string, rows: R): Block<Settings<R>> {
  return { name, doc, rows, bareKey: undefined, complete: (given) => given }
}

/** A block whose settings are made from what its rows say. */
export function completedBlock<const R extends Rows, S>(
  name: string,
  doc: string,
  rows: R,
  complete: (given: Settings<R>, completion: Completion) => S | undefined,
  bareKey?: keyof R & string,
): Block<S> {
  return { name, doc, rows, bareKey, complete }
}
