/**
 * RDP by its connection request: TPKT (RFC 1006, section 6) with an X.224 connection request of class 0
 * ([MS-RDPBCGR], section 2.2.1.1).
 */
import { type Answer, MORE, NO, YES } from './answer.js'
import { byteAt, shortAt } from './read.js'

/** TPKT and X.224 headers, and the byte after them. */
export const RDP_BYTES_MAX = 12

/** Headers of TPKT (4) and X.224 (7). */
export const RDP_HEAD_BYTES = 11
const TPKT_VERSION = 3
/** The length indicator of X.224 has one byte, of which 255 is reserved. It does not count itself nor TPKT. */
const NOT_INDICATED_BYTES = 5
export const RDP_REQUEST_BYTES_MAX = NOT_INDICATED_BYTES + 254
const CONNECTION_REQUEST = 0xe0
const CLASS_0 = 0
/** Parameters of X.224 (TPDU size, selectors): S7 and other ISO-TSAP clients send them, RDP clients never. */
const PARAMETER_FIRST = 0xc0
const PARAMETER_LAST = 0xc2

export function sniffRdp(bytes: Uint8Array, from: number, byteCount: number): Answer {
  if (byteCount >= 1 && byteAt(bytes, from) !== TPKT_VERSION) return NO
  if (byteCount >= 2 && byteAt(bytes, from + 1) !== 0) return NO
  if (byteCount < 4) return MORE
  const length = shortAt(bytes, from + 2)
  if (length < RDP_HEAD_BYTES || length > RDP_REQUEST_BYTES_MAX) return NO
  if (byteCount >= 5 && byteAt(bytes, from + 4) !== length - NOT_INDICATED_BYTES) return NO
  if (byteCount >= 6 && byteAt(bytes, from + 5) !== CONNECTION_REQUEST) return NO
  if (byteCount < 8) return MORE
  if (shortAt(bytes, from + 6) !== 0) return NO
  if (byteCount < RDP_HEAD_BYTES) return MORE
  if (byteAt(bytes, from + 10) !== CLASS_0) return NO
  if (length === RDP_HEAD_BYTES) return YES
  if (byteCount < RDP_BYTES_MAX) return MORE
  const next = byteAt(bytes, from + RDP_HEAD_BYTES)
  return next < PARAMETER_FIRST || next > PARAMETER_LAST ? YES : NO
}
