/** A value type that keeps the position of its value. */
import type { Position } from '../base/problem.js'
import type { ValueType } from './value-type.js'

/** A value with its position, for problems that are found after parsing. */
export interface Located<T> {
  readonly value: T
  readonly position: Position
}

/** The same value type, with positions. */
export function located<T>(type: ValueType<T>): ValueType<Located<T>> {
  return {
    grammar: type.grammar,
    read(input) {
      // Before the value is read: where it begins.
      const { position } = input.tokens.peek()
      const value = type.read(input)
      return value === undefined ? undefined : { value, position }
    },
  }
}
