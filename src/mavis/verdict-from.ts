/** Converts the chain's answer into a verdict. */
import type { Verdict } from '../base/authorization.js'
import { type ByteString, readableText } from '../base/byte-string.js'
import { ATTRIBUTES, AV } from '../base/mavis-attributes.js'
import { ACK, type Code, ERR, FINAL, NAK, NFD, TIMEOUT } from './module.js'
import type { MavisSettings } from './settings.js'

/** Attributes that an ACK must return unchanged; otherwise it answers another query. */
const KEPT = [AV.TYPE, AV.USER, AV.SERIAL, AV.TACTYPE] as const

type Values = readonly (ByteString | undefined)[]

/** Longer comments are cut, because they go into log lines. */
const COMMENT_MAX = 200

const PERMITTED: Verdict = { isPermitted: true }

/** Anything that is not clearly an ACK denies the client. */
export function verdictFrom(
  asked: Values,
  answer: Values,
  code: Code,
  { fallback, members }: Pick<MavisSettings, 'fallback' | 'members'>,
): Verdict {
  const result = code === FINAL ? answer[AV.RESULT] : undefined
  const comment = readableText(answer[AV.COMMENT] ?? answer[AV.USER_RESPONSE] ?? '').slice(0, COMMENT_MAX)
  if (code === TIMEOUT) return { isPermitted: false, refusal: 'timeout', comment }
  if (code !== FINAL || result === ERR) return { isPermitted: false, refusal: 'error', comment }
  if (result === NAK) return { isPermitted: false, refusal: 'denied', comment }
  if (result === undefined || result === NFD) {
    // A client that no module has found is in no group.
    if (fallback === 'permit' && members.length === 0) return PERMITTED
    return { isPermitted: false, refusal: fallback === 'permit' ? 'not-member' : 'not-found', comment }
  }
  if (result !== ACK) return error(`unknown RESULT '${readableText(result)}' in the answer`)
  // A helper that mixes up answers must not permit the wrong client.
  const changed = KEPT.find((attribute) => answer[attribute] !== asked[attribute])
  if (changed !== undefined) {
    const { [changed]: value = '' } = answer
    return error(
      `the answer changed ${ATTRIBUTES[changed]} to '${readableText(value).slice(0, COMMENT_MAX)}'`,
    )
  }
  if (members.length === 0) return PERMITTED
  const groups = groupsOf(answer)
  if (members.some((member) => groups.has(member))) return PERMITTED
  return { isPermitted: false, refusal: 'not-member', comment }
}

function error(comment: string): Verdict {
  return { isPermitted: false, refusal: 'error', comment }
}

/** Groups of TACMEMBER (`"staff","wheel"`) and MEMBEROF (`"CN=staff,OU=x"`), the latter also by the CN alone. */
function groupsOf(answer: Values): ReadonlySet<ByteString> {
  const whole = [AV.TACMEMBER, AV.MEMBEROF].flatMap((attribute) => listOf(answer[attribute] ?? ''))
  const short = whole.flatMap((name) => /^CN=([^,]+)/i.exec(name)?.[1] ?? [])
  return new Set([...whole, ...short])
}

/** A comma-separated list; names that contain commas are quoted. */
function listOf(text: ByteString): readonly ByteString[] {
  return Array.from(text.matchAll(/"([^"]*)"|([^",]+)/g), ([, quoted, bare]) => quoted ?? bare?.trim() ?? '')
}
