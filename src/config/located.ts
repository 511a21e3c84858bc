import type { Position } from '../base/problem.js'
import type { ValueType } from './value-type.js'

/** A value and where it stands, for findings that come when the file has been read. */
export interface Located<T> {
  readonly value: T
  readonly position: Position
}

/** The same value, with its place. */
export function located<T>(type: ValueType<T>): ValueType<Located<T>> {
  return {
    grammar: type.grammar,
    read(input) {
      const { position } = input.tokens.peek()
      const value = type.read(input)
      return value === undefined ? undefined : { value, position }
    },
  }
}
