/** The line in an RDP connection request: a cookie or a routing token ([MS-RDPBCGR], section 2.2.1.1). */
import { MORE, NO } from './answer.js'
import { RDP_HEAD_BYTES, sniffRdp } from './rdp.js'
import { byteAt, isControl, shortAt } from './read.js'

const CR = 13
const LF = 10

/**
 * The line without its CR LF; NO: there is none; MORE: a longer peek decides. It is untrusted, but has no control characters, and at most 246 bytes. The negotiation
 * request that may follow or take its place begins with a control character.
 */
export function rdpCookie(
  bytes: Uint8Array,
  from: number,
  byteCount: number,
): string | typeof NO | typeof MORE {
  const answer = sniffRdp(bytes, from, byteCount)
  if (answer === NO || answer === MORE) return answer
  const requestBytes = shortAt(bytes, from + 2)
  const end = from + Math.min(byteCount, requestBytes)
  const start = from + RDP_HEAD_BYTES
  for (let at = start; at < end; at++) {
    const byte = byteAt(bytes, at)
    if (byte === CR && at > start) {
      if (at + 1 === end) break
      return byteAt(bytes, at + 1) === LF ? String.fromCharCode(...bytes.subarray(start, at)) : NO
    }
    if (isControl(byte)) return NO
  }
  return byteCount < requestBytes ? MORE : NO
}
