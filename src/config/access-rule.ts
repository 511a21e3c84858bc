import type { NetworkRule } from '../admission/access-list.js'
import type { IdentityRule } from '../admission/identity-list.js'
import { parseNetwork } from '../base/cidr.js'
import type { Position } from '../base/problem.js'
import { groupId, userId } from './account-types.js'
import { refuseText } from './expectation.js'
import { commaList, oneToken, type ValueInput, type ValueType } from './value-type.js'

/** One line of an access list: about clients by their addresses, or about those of Unix sockets. */
export type AccessRule = (NetworkRule | IdentityRule) & { readonly position: Position }

const PERMITTING = new Set(['permit', 'accept'])

const networks = commaList(
  oneToken(
    'CIDR',
    (text) => parseNetwork(text) ?? refuseText('an IP address or network in CIDR notation', text),
  ),
)
const users = commaList(userId)
const groups = commaList(groupId)

export const accessRule: ValueType<AccessRule> = {
  grammar: `[not] ${networks.grammar}|user = ${users.grammar}|group = ${groups.grammar}`,
  read(input) {
    const { position } = input.tokens.peek()
    const isNegated = skipWord(input, 'not')
    const whom = readWhom(input)
    const isPermit = PERMITTING.has(input.words.at(-1) ?? '')
    return whom && { isPermit, isNegated, ...whom, position }
  },
}

type Whom = Pick<NetworkRule, 'networks'> | Pick<IdentityRule, 'users' | 'groups'>

function readWhom(input: ValueInput): Whom | undefined {
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

function skipWord({ tokens }: ValueInput, word: string): boolean {
  const token = tokens.peek()
  const isThere = token.kind === 'word' && token.text === word
  if (isThere) {
    tokens.next()
    tokens.skipEquals()
  }
  return isThere
}
