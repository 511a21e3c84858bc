/** Value type for one range of ports, LOW-HIGH. */
import { refuseText } from './expectation.js'
import { oneToken, type ValueType } from './value-type.js'

export interface PortRange {
  readonly least: number
  readonly most: number
}

const PORT_MAX = 65_535

/** `40000-49999`, inclusive. */
export const portRange: ValueType<PortRange> = oneToken('LOW-HIGH', (text) => {
  const [, low = '', high = ''] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []
  const range = { least: Number(low), most: Number(high) }
  const isRange = low !== '' && range.least > 0 && range.least <= range.most && range.most <= PORT_MAX
  return isRange ? range : refuseText(`two ports from 1 to ${PORT_MAX}, such as 40000-49999`, text)
})
