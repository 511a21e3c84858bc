/** The value types of rates of bytes. */
import { type Refusal, refuseText } from './expectation.js'
import { parseCount, time } from './number-types.js'
import { isText } from './token.js'
import { oneToken, readOne, type ValueType } from './value-type.js'

/** Below that a single segment takes seconds, and beyond it no rate is kept. */
const PER_SECOND_MIN = 1_000
const PER_SECOND_MAX = 2 ** 40

const WINDOW_DEFAULT_MS = 30_000
const within = time({ min: 1_000, max: 3_600_000 })

const WANTED = 'a rate of bytes such as 500k/s or 10MiB/s'

export interface MinRate {
  readonly bytesPerS: number
  readonly windowMs: number
}

/** `500k/s`, `10MiB/s` */
export const byteRate: ValueType<number> = oneToken('BYTES/s', bytesPerS)

/** `1k/s`, `1k/s in 60s` */
export const minRate: ValueType<MinRate> = {
  grammar: 'BYTES/s [in TIME]',
  read(input) {
    const rate = readOne(input, WANTED, ({ text }) => bytesPerS(text))
    if (rate === undefined) return undefined
    const next = input.tokens.peek()
    if (!isText(next) || next.text !== 'in') return { bytesPerS: rate, windowMs: WINDOW_DEFAULT_MS }
    input.tokens.next()
    const windowMs = within.read(input)
    return windowMs === undefined ? undefined : { bytesPerS: rate, windowMs }
  },
}

function bytesPerS(text: string): number | Refusal {
  const [, size = ''] = /^(\w+)\/s$/.exec(text) ?? []
  const rate = parseCount(size.replace(/ib$/i, 'b'))
  if (rate === undefined) return refuseText(WANTED, text)
  if (rate < PER_SECOND_MIN || rate > PER_SECOND_MAX)
    return refuseText(`a rate from ${PER_SECOND_MIN}/s to 1024g/s`, text)
  return rate
}
