/** The value type of a rate. */
import { refuseText } from './expectation.js'
import { oneToken, type ValueType } from './value-type.js'

const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 }
const PER_SECOND_MAX = 1_000_000

/** `2/s`, `30/m`; the value is per second. */
export const rate: ValueType<number> = oneToken(
  'N/s',
  (text) => {
    const [, digits = '', unit = ''] = /^(\d{1,9})\/([smh])$/.exec(text) ?? []
    const perSecond = Number(digits) / (UNIT_S[unit] ?? 1)
    const isRate = digits !== '' && perSecond > 0 && perSecond <= PER_SECOND_MAX
    return isRate ? perSecond : refuseText('a rate such as 2/s, 30/m or 100/h', text)
  },
  { format: (perSecond) => `${perSecond}/s` },
)
