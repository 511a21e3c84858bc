/** The value type of a part of all. */
import { refuseText } from './expectation.js'
import { oneToken, type ValueType } from './value-type.js'

/** `50%` or `50`. */
export const percent: ValueType<number> = oneToken(
  'PERCENT',
  (text) => {
    const [, digits = ''] = /^(\d{1,3})%?$/.exec(text) ?? []
    const value = Number(digits)
    return digits !== '' && value <= 100 ? value : refuseText('a percentage from 0 to 100, such as 50%', text)
  },
  { format: (value) => `${value}%` },
)
