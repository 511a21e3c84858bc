/**
 * Reads access rules: `[not] NETWORK, …`, `[not] user = USER, …` or `[not] group = GROUP, …` after `permit` or
 * `deny`.
 */
import type { NetworkRule } from '../admission/access-list.js'
import type { IdentityRule } from '../admission/identity-list.js'
import { parseHostLiteral } from '../base/address.js'
import { parseNetwork } from '../base/cidr.js'
import type { Position } from '../base/problem.js'
import { groupId, userId } from './account-types.js'
import { type Refusal, refuseText } from './expectation.js'
import { commaList, oneToken, type ValueInput, type ValueType } from './value-type.js'

/** One access rule: for IP clients by their networks, or for clients of Unix sockets by users or groups. */
export type AccessRule = (NetworkRule | IdentityRule) & { readonly position: Position }

/** Words of directives that permit; all others deny. */
const PERMITTING = new Set(['permit', 'accept'])

export const networks = commaList(oneToken('CIDR', (text) => parseNetwork(text) ?? refuseNetwork(text)))

/** All IPv4 and all IPv6 addresses. */
export const ALL_NETWORKS = '0.0.0.0/0, ::/0'

/** Words for all clients in the rules of other programs. */
const ALL_CLIENTS_WORDS = new Set(['all', 'any', 'everybody', 'everyone', '*'])

function refuseNetwork(text: string): Refusal {
  if (ALL_CLIENTS_WORDS.has(text.toLowerCase())) {
    return refuseText('an IP address or network', text, `all clients are '${ALL_NETWORKS}'`)
  }
  const [, host = '', bits] = /^(.+)\/(\d+)$/.exec(text) ?? []
  // The address is right, so the prefix is wrong.
  const literal = bits === undefined ? undefined : parseHostLiteral(host)
  if (literal !== undefined) {
    const family = literal.family === 'ipv4' ? 'IPv4' : 'IPv6'
    return refuseText(`a prefix of 0 to ${literal.family === 'ipv4' ? 32 : 128} bits for ${family}`, text)
  }
  return refuseText('an IP address or network in CIDR notation', text)
}

const users = commaList(userId)
const groups = commaList(groupId)

export const accessRule: ValueType<AccessRule> = {
  grammar: `[not] ${networks.grammar}|user = ${users.grammar}|group = ${groups.grammar}`,
  read(input) {
    const { position } = input.tokens.peek()
    const isNegated = skipWord(input, 'not')
    const subject = readSubject(input)
    // The value type is the same for both directives: the directive's own words decide.
    const isPermit = PERMITTING.has(input.words.at(-1) ?? '')
    return subject && { isPermit, isNegated, ...subject, position }
  },
}

type Subject = Pick<NetworkRule, 'networks'> | Pick<IdentityRule, 'users' | 'groups'>

function readSubject(input: ValueInput): Subject | undefined {
  if (skipWord(input, 'user')) {
    const given = users.read(input)
    return given && { users: given.map(({ uid }) => uid), groups: [] }
  }
  if (skipWord(input, 'group')) {
    const given = groups.read(input)
    return given && { users: [], groups: given }
  }
  const given = networks.read(input)
  return given && { networks: given }
}

/** Takes the next token, and an optional `=`, if it is this word. */
function skipWord({ tokens }: ValueInput, word: string): boolean {
  const token = tokens.peek()
  const isThere = token.kind === 'word' && token.text === word
  if (isThere) {
    tokens.next()
    tokens.skipEquals()
  }
  return isThere
}
