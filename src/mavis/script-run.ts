/** Runs the scripts of MAVIS modules. */
import type { ByteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import { matchPattern } from './match-pattern.js'
import type { Condition, Script, ScriptEnd, Statement, Template } from './script.js'

/** Longer values are cut: none would fit into a query, and `set $A = "$A$A"` repeated thirty times would fill memory. */
export const VALUE_BYTES_MAX = 65_536

/** Attribute values, which the script may change. */
export type ScriptValues = (ByteString | undefined)[]

/**
 * Runs a script of the module `self`. Every statement runs at most once, so a script always ends. Nothing recurses, so
 * deep nesting does not overflow the stack.
 */
export function runScript(script: Script, values: ScriptValues, self: ByteString): ScriptEnd {
  return new ScriptRun(values, self).run(script)
}

/** The state of one run. */
class ScriptRun {
  readonly #values: ScriptValues
  readonly #self: ByteString
  /** `$0` to `$9`. */
  #groups: readonly (ByteString | undefined)[] = []

  constructor(values: ScriptValues, self: ByteString) {
    this.#values = values
    this.#self = self
  }

  run(script: Script): ScriptEnd {
    // A stack of statements, the next one last.
    const pending: Statement[] = [...script].reverse()
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      switch (next.kind) {
        case 'return':
        case 'continue':
        case 'skip':
          return next.kind
        case 'block':
          for (let at = next.statements.length - 1; at >= 0; at--) push(pending, next.statements[at])
          break
        case 'if':
          push(pending, this.#holds(next.condition) ? next.then : next.otherwise)
          break
        default:
          this.#execute(next)
      }
    }
    return 'end'
  }

  #execute(statement: Exclude<Statement, { kind: 'block' | 'if' | 'return' | 'continue' | 'skip' }>): void {
    const values = this.#values
    switch (statement.kind) {
      case 'set':
        values[statement.attribute] = this.#textOf(statement.value)
        break
      case 'unset':
        values[statement.attribute] = undefined
        break
      case 'toupper':
        values[statement.attribute] = values[statement.attribute]?.replace(/[a-z]+/g, upperCase)
        break
      case 'tolower':
        values[statement.attribute] = values[statement.attribute]?.replace(/[A-Z]+/g, lowerCase)
        break
      case 'eval':
        // Only for its groups.
        this.#holds(statement.condition)
    }
  }

  /** Evaluates a condition; && and || short-circuit. */
  #holds(condition: Condition): boolean {
    const outer: Exclude<Condition, Leaf>[] = []
    let open: Condition | undefined = condition
    let holds = false
    while (open !== undefined) {
      // Descends to the leftmost leaf, and stores the operators above it.
      while (isOuter(open)) {
        outer.push(open)
        open = open.kind === 'not' ? open.of : open.left
      }
      holds = this.#isTrue(open)
      open = undefined
      while (open === undefined) {
        const above = outer.pop()
        if (above === undefined) break
        if (above.kind === 'not') holds = !holds
        // The right side decides only if the left one has not: true && …, false || ….
        else if (holds === (above.kind === 'and')) open = above.right
      }
    }
    return holds
  }

  #isTrue(condition: Leaf): boolean {
    const value = this.#values[condition.attribute]
    if (value === undefined) return false
    switch (condition.kind) {
      case 'defined':
        return true
      case 'equal':
        return this.#isEqual(condition.attribute, value, condition.value)
      case 'match': {
        const match = matchPattern(condition.pattern, value)
        // A match that fails clears the groups.
        if (condition.hasGroups) this.#groups = match ?? []
        return match !== undefined
      }
    }
  }

  #isEqual(attribute: number, value: ByteString, template: Template): boolean {
    const [first] = template
    // An undefined attribute equals nothing, not even an empty value.
    if (template.length === 1 && first?.kind === 'attribute' && this.#values[first.attribute] === undefined)
      return false
    const text = this.#textOf(template)
    return value === text || (attribute === AV.IDENTITY_SOURCE && text === 'self' && value === this.#self)
  }

  #textOf(template: Template): ByteString {
    let text = ''
    for (const part of template) {
      if (part.kind === 'text') text += part.text
      else text += (part.kind === 'group' ? this.#groups[part.index] : this.#values[part.attribute]) ?? ''
      if (text.length > VALUE_BYTES_MAX) return text.slice(0, VALUE_BYTES_MAX)
    }
    return text
  }
}

type Leaf = Extract<Condition, { readonly attribute: number }>

function isOuter(condition: Condition): condition is Exclude<Condition, Leaf> {
  return condition.kind === 'not' || condition.kind === 'and' || condition.kind === 'or'
}

function push(pending: Statement[], statement: Statement | undefined): void {
  if (statement !== undefined) pending.push(statement)
}

// ASCII letters only: other bytes may be parts of a UTF-8 character.
const upperCase = (letters: string) => letters.toUpperCase()
const lowerCase = (letters: string) => letters.toLowerCase()
