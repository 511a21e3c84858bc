/**
 * Members in JSON, of the sources `http`, `file` and `etcd`: an array of `"10.0.0.1:8080"` or objects with `address` and
 * `port`, also within an object as its `members`. Fields that are not known are ignored.
 */
import { formatAddress, parseHostLiteral } from '../base/address.js'
import { arrayAt, expected, integerAt, isObject, type JsonObject, objectAt, textAt } from './json-fields.js'
import type { FoundMember } from './source.js'
import { SourceFailure } from './source-failure.js'

/** Far more than a pool can have. */
export const MEMBERS_MAX = 65_536
/** Of the name of a member, in characters. */
export const NAME_LENGTH_MAX = 255
const WEIGHT_MAX = 65_535
const TIER_MAX = 255
const HOST_LENGTH_MAX = 253
const HOST_NAME = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?$/i
const HOST_AND_PORT = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/

/** Throws a `SourceFailure` with the place of the first error: `members[3].port: expected 1 … 65535, but got 0`. */
export function readMembers(value: unknown): readonly FoundMember[] {
  const list = Array.isArray(value) ? value : arrayAt(objectAt(value, 'the document').members, 'members')
  if (list.length > MEMBERS_MAX) throw new SourceFailure(`more than ${MEMBERS_MAX} members`)
  const members = list.map((item, i) => readMember(item, `members[${i}]`))
  requireUnique(members)
  return members
}

/** One of them. `name`: overrides that of the value. */
export function readMember(value: unknown, place: string, name?: string): FoundMember {
  if (typeof value === 'string') return withHostAndPort(value, place, name)
  if (!isObject(value)) throw expected(place, 'an address with a port, or an object', value)
  const host = hostAt(value.address, `${place}.address`)
  const port = integerAt(value.port, `${place}.port`, 1, 65_535)
  const weight = value.weight ?? undefined
  return {
    name: name ?? nameOf(value, place) ?? hostAndPort(host, port),
    hosts: [host],
    port,
    weight: weight === undefined ? undefined : integerAt(weight, `${place}.weight`, 0, WEIGHT_MAX),
    tier: tierOf(value, place),
  }
}

/** `10.0.0.1:8080`, `[::1]:8080`: the name of a member that has no other. */
export function hostAndPort(host: string, port: number): string {
  const literal = parseHostLiteral(host)
  return literal === undefined ? `${host}:${port}` : formatAddress({ ...literal, port })
}

/** An IP literal in its canonical form, or a host name. */
export function hostAt(value: unknown, place: string): string {
  const text = typeof value === 'string' ? value : ''
  const literal = parseHostLiteral(text)
  if (literal !== undefined)
    return literal.family === 'ipv6' && literal.scope !== ''
      ? `${literal.host}%${literal.scope}`
      : literal.host
  // The last label of a name is no number: an address that is none, such as 10.0.0.256, is not looked up.
  if (HOST_NAME.test(text) && text.length <= HOST_LENGTH_MAX && !/(?:^|\.)\d+\.?$/.test(text)) return text
  throw expected(place, 'an IP address or a host name', value)
}

function withHostAndPort(text: string, place: string, name: string | undefined): FoundMember {
  const [, inBrackets, bare, digits] = HOST_AND_PORT.exec(text) ?? []
  if (digits === undefined) throw expected(place, 'HOST:PORT', text)
  const host = hostAt(inBrackets ?? bare, place)
  if (inBrackets !== undefined && !host.includes(':')) throw expected(place, 'HOST:PORT', text)
  const port = integerAt(Number(digits), place, 1, 65_535)
  return { name: name ?? hostAndPort(host, port), hosts: [host], port, weight: undefined, tier: undefined }
}

function nameOf({ name }: JsonObject, place: string): string | undefined {
  if (name === undefined || name === null) return undefined
  const text = textAt(name, `${place}.name`)
  if (text === '' || text.length > NAME_LENGTH_MAX)
    throw expected(`${place}.name`, `1 to ${NAME_LENGTH_MAX} characters`, text)
  return text
}

/** `backup` is the tier after the best one. */
function tierOf({ backup = null, tier = null }: JsonObject, place: string): number | undefined {
  if (backup !== null && typeof backup !== 'boolean')
    throw expected(`${place}.backup`, 'true or false', backup)
  if (tier === null) return backup === true ? 1 : undefined
  if (backup !== null) throw new SourceFailure(`${place} has both 'tier' and 'backup'`)
  return integerAt(tier, `${place}.tier`, 0, TIER_MAX)
}

function requireUnique(members: readonly FoundMember[]): void {
  const places = new Map<string, number>()
  for (const [i, { name }] of members.entries()) {
    const first = places.get(name)
    if (first !== undefined)
      throw expected(`members[${i}]`, `another name than that of members[${first}]`, name)
    places.set(name, i)
  }
}
