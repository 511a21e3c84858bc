/** What stands between `test` and its block: `"NAME"`. */
import { refuseText } from './expectation.js'
import type { Heading } from './row.js'
import { readOne, type ValueType } from './value-type.js'

/** The one kind of block that `test` has. */
export const TEST = 'test'

export const testHeading: ValueType<Heading> = {
  grammar: '"NAME"',
  read(input) {
    const name = readOne(input, 'the name of the test', ({ text }) =>
      text === '' ? refuseText('the name of the test', text) : text,
    )
    return name === undefined ? undefined : { kind: TEST, name }
  },
}
