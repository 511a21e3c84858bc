/** Rows of the directive table and the blocks they form; the types of settings are inferred from the rows. */
import type { Position } from '../base/problem.js'
import type { ValueType } from './value-type.js'

/** A feature that a directive requires. While this version lacks it, a start with the directive is rejected. */
export type Need = 'TLS' | 'SCTP' | 'MAVIS'

interface RowText<T> {
  /** Spellings: words separated by spaces, alternatives for a word by `|`. The first is the name. */
  readonly spellings: readonly string[]
  /** Description in one or two sentences. */
  readonly doc: string
  /** Meaning of the value zero. */
  readonly zero?: string
  /** Description of the default, if it is not a value of the type. */
  readonly defaultText?: string
  /** Not in the original. */
  readonly isOurs?: boolean
  readonly needs?: Need
  /** Restricts `needs` to some values. */
  needsWhen?(value: T): boolean
  /** It is passed to the child with each connection: children of another program handle it themselves. */
  readonly isForwarded?: boolean
  /** The directive of a nested block may also be written directly in the enclosing block. */
  readonly isAlsoOutside?: boolean
  /** The default is the value with the same key in the enclosing block. */
  readonly isInherited?: boolean
}

export interface ValueRow<out T> extends RowText<T> {
  readonly kind: 'value'
  readonly type: ValueType<T>
  /** The default. Not checked by the type: it may be a value that cannot be written. */
  readonly fallback: T
}

/** A directive that may be repeated; the values are collected. */
export interface ListRow<out T> extends RowText<unknown> {
  readonly kind: 'list'
  readonly type: ValueType<unknown>
  /** `inherited`: the value that the enclosing block has collected. */
  collect(items: readonly unknown[], inherited: unknown): T
}

/** A block whose repetitions add up to one. */
export interface BlockRow<out S> extends RowText<unknown> {
  readonly kind: 'block'
  readonly block: Block<S>
  /** Without the block the setting is that of the enclosing block, if it is inherited, or else undefined. */
  readonly isOptional?: boolean
}

/** A block that may be repeated; each one is an object of its own. */
export interface BlocksRow<out S> extends RowText<unknown> {
  readonly kind: 'blocks'
  readonly block: Block<S>
}

/** The text between a directive and its block; it selects the kind of the block. */
export interface Heading {
  /** Selects the block. */
  readonly kind: string
  /** Undefined: the index of the block is its name. */
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

/** The settings of a block, with the types of its rows. */
export type Settings<R extends Rows> = {
  readonly [K in keyof R as R[K] extends SectionsRow ? never : K]: SettingOf<R[K]>
} & {
  /** Position of the block's first word. */
  readonly position: Position
}

// Sections have no setting: their drafts are collected by `WantedSections`.
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
  /** Reports why a block is invalid, unless an error within it has been reported already. */
  refuse(message: string): undefined
  /** Counts listeners before memory is allocated for them. False: too many, which has been reported. */
  claimListeners(count: number): boolean
  /** A directive in the block or in a nested block was rejected: what seems to be missing may only be misspelled. */
  readonly hasMistakes: boolean
  /** A socket was inherited on descriptor 0. */
  readonly isInetd: boolean
  /** The name in the heading of the block, or else its index among the repeated blocks: '0', '1', … */
  readonly name: string
}

export interface Block<out S> {
  readonly name: string
  readonly doc: string
  readonly rows: Rows
  /** The key of the row for an address without a directive. */
  readonly bareKey: string | undefined
  /** Checks and combines the settings. Undefined: the block is invalid, which has been reported. */
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

/** A directive with one value, undefined if not given. */
export function optional<T>(
  spellings: Spellings,
  type: ValueType<T>,
  text: Text<T>,
): ValueRow<T | undefined> {
  return value<T | undefined>(spellings, type, undefined, text as Text<T | undefined>)
}

/** A directive that may be repeated; the setting has all values in order. */
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

/** A block that occurs once; its repetitions add up. */
export function nested<S>(
  spellings: Spellings,
  block: Block<S>,
  text: Omit<Text<unknown>, 'doc'> = {},
): BlockRow<S> {
  return { kind: 'block', spellings: [spellings].flat(), block, doc: block.doc, ...text }
}

/** A nested block that is undefined if not given. */
export function optionalBlock<S>(
  spellings: Spellings,
  block: Block<S>,
  text: Omit<Text<unknown>, 'doc'> = {},
): BlockRow<S | undefined> {
  return { ...nested<S | undefined>(spellings, block, text), isOptional: true }
}

/** A block that may be repeated; the setting has one entry for each. */
export function repeated<S>(
  spellings: Spellings,
  block: Block<S>,
  text: Omit<Text<unknown>, 'doc'> = {},
): BlocksRow<S> {
  return { kind: 'blocks', spellings: [spellings].flat(), block, doc: block.doc, ...text }
}

/** Repeated blocks of several kinds, selected by their headings. */
export function ofKinds<S>(
  spellings: Spellings,
  heading: ValueType<Heading>,
  kinds: ReadonlyMap<string, Block<S>>,
  text: Text<unknown>,
): KindsRow<S> {
  return { kind: 'kinds', spellings: [spellings].flat(), heading, kinds, ...text }
}

/** `id = NAME { … }`, at top level only. */
export function sections(spellings: Spellings, text: Text<unknown>): SectionsRow {
  return { kind: 'sections', spellings: [spellings].flat(), ...text }
}

type InheritableRow = ValueRow<unknown> | ListRow<unknown> | BlockRow<unknown>

/** The same directive in a nested block; its default is the value of the enclosing block. */
export function inherited<R extends InheritableRow>(row: R): R {
  return { ...row, isInherited: true }
}

/** All rows of a block, for a nested block that may override each of them. */
export function allInherited<R extends Readonly<Record<string, InheritableRow>>>(rows: R): R {
  const entries = Object.entries(rows).map(([key, row]) => [key, inherited(row)] as const)
  return Object.fromEntries(entries) as R
}

type ValueRows = Readonly<Record<string, ValueRow<unknown>>>

type WithoutDefaults<R extends ValueRows> = {
  readonly [K in keyof R]: R[K] extends ValueRow<infer T> ? ValueRow<T | undefined> : never
}

/** The same directives in a block where only a given value counts. */
export function withoutDefaults<R extends ValueRows>(rows: R): WithoutDefaults<R> {
  const entries = Object.entries(rows).map(([key, row]) => [key, { ...row, fallback: undefined }] as const)
  return Object.fromEntries(entries) as unknown as WithoutDefaults<R>
}

/** A block whose settings are the values of its rows. */
export function block<const R extends Rows>(name: string, doc: string, rows: R): Block<Settings<R>> {
  return { name, doc, rows, bareKey: undefined, complete: (given) => given }
}

/** A block whose settings are computed from the values of its rows. */
export function completedBlock<const R extends Rows, S>(
  name: string,
  doc: string,
  rows: R,
  complete: (given: Settings<R>, completion: Completion) => S | undefined,
  bareKey?: keyof R & string,
): Block<S> {
  return { name, doc, rows, bareKey, complete }
}
