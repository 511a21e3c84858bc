/** The user that an RDP client names before it connects, a key for stickiness. It is a claim, often cut short. */
import { type MORE, NO } from './answer.js'
import { rdpCookie } from './rdp-cookie.js'

const PREFIX = 'Cookie: mstshash='

/** `DOMAIN\user` or `user`: mstsc sends the first nine characters. */
export function rdpUser(
  bytes: Uint8Array,
  from: number,
  byteCount: number,
): string | typeof NO | typeof MORE {
  const cookie = rdpCookie(bytes, from, byteCount)
  if (typeof cookie === 'number') return cookie
  return cookie.startsWith(PREFIX) && cookie.length > PREFIX.length ? cookie.slice(PREFIX.length) : NO
}
