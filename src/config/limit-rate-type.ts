/** The value type of the `rate` of a limit: a number of connections within a time. */
import { refuseText } from './expectation.js'
import { oneToken, type ValueType } from './value-type.js'

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 }
/** Tables store times in steps of 8 µs, so faster rates would not be exact. */
const PER_SECOND_MAX = 100_000
const WITHIN_MAX_MS = 3_600_000

const WANTED = 'a rate such as 10/s, 30/m or 10/3s'

export interface LimitRate {
  readonly count: number
  readonly withinMs: number
}

/** `10/s`, `30/m`, `10/3s` */
export const limitRate: ValueType<LimitRate> = oneToken('N/TIME', (text) => {
  const [, digits = '', units = '1', unit = ''] = /^(\d{1,9})\/(\d{1,4})?([smh])$/.exec(text) ?? []
  const count = Number(digits)
  const withinMs = Number(units) * (UNIT_MS[unit] ?? 0)
  const isRate =
    count > 0 && withinMs > 0 && withinMs <= WITHIN_MAX_MS && (count * 1_000) / withinMs <= PER_SECOND_MAX
  return isRate ? { count, withinMs } : refuseText(WANTED, text)
})
