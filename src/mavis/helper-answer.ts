import { type ByteString, byteString, readableText } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import { ACK, type Code, DOWN, FINAL, IGNORE, NAK, TIMEOUT } from './module.js'

type Values = (ByteString | undefined)[]

/** Of a text that a helper has sent, in the log. */
const SHOWN_CHARACTERS_MAX = 100

const CODES: readonly number[] = [FINAL, IGNORE, TIMEOUT, DOWN]

/** A number that is no code is an answer that cannot be used. */
export function answerCode(code: number | undefined): Code {
  return code !== undefined && CODES.includes(code) ? (code as Code) : IGNORE
}

/** What is wrong with a code, if it is none. */
export function codeProblem(code: number | undefined): string | undefined {
  if (code !== undefined && CODES.includes(code)) return undefined
  return code === undefined ? 'an answer without a code' : `an answer with the unknown code ${code}`
}

/** Who says yes or no is to be seen in what is made of it. */
export function setIdentitySource(values: Values, code: Code, moduleName: string): void {
  const isVerdict = values[AV.RESULT] === ACK || values[AV.RESULT] === NAK
  if (code === FINAL && isVerdict) values[AV.IDENTITY_SOURCE] = byteString(moduleName)
}

export const MISSING_SERIAL = 'missing serial.'

/** In the words of the original: what is wrong with an answer that does not have the serial of its question. */
export function serialProblem(values: Values, expected: ByteString): string | undefined {
  const serial = values[AV.SERIAL]
  if (serial === expected) return undefined
  return serial === undefined
    ? MISSING_SERIAL
    : `out of sync: got ${shown(serial)}, expected ${shown(expected)}.`
}

/** For the log. */
export function shown(text: ByteString): string {
  const readable = readableText(text.slice(0, SHOWN_CHARACTERS_MAX))
  return text.length > SHOWN_CHARACTERS_MAX ? `${readable}…` : readable
}
