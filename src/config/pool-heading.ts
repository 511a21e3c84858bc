/** What stands between `pool` and its block: `= NAME`. */
import { parseName } from './name-type.js'
import type { Heading } from './row.js'
import { readOne, type ValueType } from './value-type.js'

/** The one kind of block that `pool` has. */
export const POOL = 'pool'

export const poolHeading: ValueType<Heading> = {
  grammar: '= NAME',
  read(input) {
    // `pool = NAME {` and `pool NAME {` are equivalent.
    input.tokens.skipEquals()
    const name = readOne(input, 'the name of the pool', ({ text }) => parseName(text))
    return name === undefined ? undefined : { kind: POOL, name }
  },
}
