import type { ByteString } from '../base/byte-string.js'
import { SENT_ATTRIBUTES } from '../base/mavis-attributes.js'

/** Values by the number of their attribute. */
export type Values = readonly (ByteString | undefined)[]

/** `NUMBER VALUE`, a line each, in ascending order. A line end within a value is sent as a carriage return. */
export function encodeLines(values: Values): ByteString {
  let lines = ''
  for (let number = 0; number < SENT_ATTRIBUTES; number++) {
    const value = values[number]
    if (value !== undefined) lines += `${number} ${value.replaceAll('\n', '\r')}\n`
  }
  return lines
}

/**
 * The values of such lines, in any order; of an attribute that comes twice the last value counts. Undefined: one of
 * them is no such line, or has a number that no attribute has.
 */
export function decodeLines(lines: ByteString): (ByteString | undefined)[] | undefined {
  const values: (ByteString | undefined)[] = []
  for (let from = 0; from < lines.length; ) {
    const found = lines.indexOf('\n', from)
    const end = found < 0 ? lines.length : found
    const blank = lines.indexOf(' ', from)
    if (blank < 0 || blank >= end) return undefined
    const number = attributeOf(lines.slice(from, blank))
    if (number === undefined) return undefined
    values[number] = lines.slice(blank + 1, end).replaceAll('\r', '\n')
    from = end + 1
  }
  return values
}

function attributeOf(digits: string): number | undefined {
  const number = /^\d{1,3}$/.test(digits) ? Number(digits) : SENT_ATTRIBUTES
  return number < SENT_ATTRIBUTES ? number : undefined
}
