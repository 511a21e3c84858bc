/** The routing token by which a redirected RDP client finds its server again, a key for stickiness. */
import { type MORE, NO } from './answer.js'
import { rdpCookie } from './rdp-cookie.js'

const COOKIE = 'Cookie:'
const PREFIX = 'Cookie: msts='

/** The value of the cookie `msts`, or the whole line of a token in another form (`tsv://…`). */
export function rdpRoutingToken(
  bytes: Uint8Array,
  from: number,
  byteCount: number,
): string | typeof NO | typeof MORE {
  const cookie = rdpCookie(bytes, from, byteCount)
  if (typeof cookie === 'number') return cookie
  if (!cookie.startsWith(COOKIE)) return cookie
  return cookie.startsWith(PREFIX) && cookie.length > PREFIX.length ? cookie.slice(PREFIX.length) : NO
}
