/** What helpers' answers mean: their codes and serials, and what is wrong with them. */
import { type ByteString, byteString, readableText } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import { ACK, type Code, DOWN, FINAL, IGNORE, NAK, TIMEOUT } from './module.js'

type Values = (ByteString | undefined)[]

/** Longer texts of helpers are cut in the log. */
const SHOWN_CHARACTERS_MAX = 100

/** The codes of the protocol that an answer may have. */
const CODES: readonly number[] = [FINAL, IGNORE, TIMEOUT, DOWN]

/** An unknown code makes the answer unusable. */
export function answerCode(code: number | undefined): Code {
  return code !== undefined && CODES.includes(code) ? (code as Code) : IGNORE
}

/** What is wrong with a code, for the log; undefined when it is known. */
export function codeProblem(code: number | undefined): string | undefined {
  if (code !== undefined && CODES.includes(code)) return undefined
  return code === undefined ? 'answer without a code' : `answer with unknown code ${code}`
}

/** Records in IDENTITY_SOURCE which module answered ACK or NAK, for scripts of the modules above. */
export function setIdentitySource(values: Values, code: Code, moduleName: string): void {
  const isVerdict = values[AV.RESULT] === ACK || values[AV.RESULT] === NAK
  if (code === FINAL && isVerdict) values[AV.IDENTITY_SOURCE] = byteString(moduleName)
}

export const MISSING_SERIAL = 'missing serial.'

/** What is wrong with the serial of an answer, in the words of the original; undefined when it is the query's. */
export function serialProblem(values: Values, expected: ByteString): string | undefined {
  const serial = values[AV.SERIAL]
  if (serial === expected) return undefined
  return serial === undefined
    ? MISSING_SERIAL
    : `out of sync: got ${excerpt(serial)}, expected ${excerpt(expected)}.`
}

/** The text for the log, cut to a limit. */
export function excerpt(text: ByteString): string {
  const readable = readableText(text.slice(0, SHOWN_CHARACTERS_MAX))
  return text.length > SHOWN_CHARACTERS_MAX ? `${readable}…` : readable
}
