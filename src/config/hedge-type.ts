/** The value type of `hedge`: `no`, a percentile or a time. */
import type { HedgePlan } from '../base/hedge-plan.js'
import { refuseText } from './expectation.js'
import { parseTime } from './number-types.js'
import { oneToken, type ValueType } from './value-type.js'

const AFTER_MIN_MS = 1
const AFTER_MAX_MS = 60_000

/** `p95`, `50ms`, `no`. */
export const hedge: ValueType<HedgePlan | 'no'> = oneToken('no|pN|TIME', (text) => {
  if (/^no$/i.test(text)) return 'no'
  const [, digits = ''] = /^p(\d{1,2})$/i.exec(text) ?? []
  const percentile = Number(digits)
  if (percentile >= 50) return { percentile }
  if (/^[\d.]+[a-z]*$/i.test(text)) {
    const afterMs = parseTime(text, 1, AFTER_MIN_MS, AFTER_MAX_MS)
    return typeof afterMs === 'number' ? { afterMs } : afterMs
  }
  return refuseText("a percentile from p50 to p99, a time such as 50ms, or 'no'", text)
})
