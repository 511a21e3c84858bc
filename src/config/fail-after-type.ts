/** The value type of `fail after`: a number of failures within a time. */
import type { FailAfter } from '../base/fail-after.js'
import { refuseText } from './expectation.js'
import { count, time } from './number-types.js'
import { readOne, type ValueType } from './value-type.js'

/** The head keeps the time of each failure. */
const FAILURES_MAX = 1_000
const WITHIN_MAX_MS = 3_600_000

const failures = count({ min: 1, max: FAILURES_MAX })
const within = time({ min: 1, max: WITHIN_MAX_MS })

/** `5 in 10s` */
export const failAfter: ValueType<FailAfter> = {
  grammar: 'N in TIME',
  read(input) {
    const number = failures.read(input)
    if (number === undefined) return undefined
    const wanted = "'in' and a time, as in '5 in 10s'"
    const word = readOne(input, wanted, ({ text }) => (/^in$/i.test(text) ? text : refuseText(wanted, text)))
    const withinMs = word === undefined ? undefined : within.read(input)
    return withinMs === undefined ? undefined : { count: number, withinMs }
  },
}
