import type { ByteString } from '../base/byte-string.js'

/** The parsed form of `script { … }`. Attributes are indexes of `ATTRIBUTES`; texts and patterns are byte strings. */
export type Script = readonly Statement[]

export type Statement =
  | { readonly kind: 'block'; readonly statements: Script }
  | { readonly kind: 'set'; readonly attribute: number; readonly value: Template }
  | { readonly kind: 'unset' | 'toupper' | 'tolower'; readonly attribute: number }
  /** Evaluates the condition for its side effect: the groups `$0` to `$9`. */
  | { readonly kind: 'eval'; readonly condition: Condition }
  | {
      readonly kind: 'if'
      readonly condition: Condition
      readonly then: Statement
      readonly otherwise: Statement | undefined
    }
  | { readonly kind: 'return' | 'continue' | 'skip' }

/** A text with references to attributes and groups, in parts. */
export type Template = readonly TemplatePart[]

export type TemplatePart =
  | { readonly kind: 'text'; readonly text: ByteString }
  | { readonly kind: 'attribute'; readonly attribute: number }
  /** `$0` to `$9`: the last match and its groups. */
  | { readonly kind: 'group'; readonly index: number }

export type Condition =
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'equal'; readonly attribute: number; readonly value: Template }
  /** Only patterns between slashes set `$0` to `$9` (`hasGroups`). */
  | {
      readonly kind: 'match'
      readonly attribute: number
      readonly pattern: RegExp
      readonly hasGroups: boolean
    }
  | { readonly kind: 'defined'; readonly attribute: number }

/** How a script ended. `end`: after its last statement. */
export type ScriptEnd = 'end' | 'return' | 'continue' | 'skip'
