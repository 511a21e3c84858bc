/** The lines that carry MAVIS attributes in every protocol of its modules. */
import type { ByteString } from '../base/byte-string.js'
import { SENT_ATTRIBUTES } from '../base/mavis-attributes.js'

/** Values, indexed by attribute number. */
export type Values = readonly (ByteString | undefined)[]

/** Encodes values as lines `NUMBER VALUE` in ascending order. A line feed in a value becomes a carriage return. */
export function encodeLines(values: Values): ByteString {
  let lines = ''
  for (let number = 0; number < SENT_ATTRIBUTES; number++) {
    const value = values[number]
    if (value !== undefined) lines += `${number} ${value.replaceAll('\n', '\r')}\n`
  }
  return lines
}

/**
 * Decodes such lines, in any order; of a repeated attribute the last value wins. Undefined when a line is malformed or
 * has an unknown number.
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
