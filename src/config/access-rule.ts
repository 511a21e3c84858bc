/**
 * Reads access rules: `[not] NETWORK, …`, `[not] file = FILE`, `[not] user = USER, …` or `[not] group = GROUP, …` after
 * `permit` or `deny`.
 */
import type { FileRule, NetworkRule } from '../admission/access-list.js'
import type { IdentityRule } from '../admission/identity-list.js'
import { parseNetwork } from '../base/cidr.js'
import type { Position } from '../base/problem.js'
import { groupId, userId } from './account-types.js'
import { Refusal } from './expectation.js'
import { refuseNetwork } from './refuse-network.js'
import { readRuleFile } from './rule-file.js'
import { cannotRead } from './sources.js'
import { commaList, oneToken, readOne, type ValueInput, type ValueType } from './value-type.js'

/**
 * One access rule: for IP clients by their networks, which may be in a file, or for clients of Unix sockets by users or
 * groups.
 */
export type AccessRule = (NetworkRule | FileRule | IdentityRule) & { readonly position: Position }

/** Words of directives that permit; all others deny. */
const PERMITTING = new Set(['permit', 'accept'])

const WANTED = 'an IP address or network in CIDR notation'

export const networks = commaList(
  oneToken('CIDR', (text) => parseNetwork(text) ?? refuseNetwork(text, WANTED)),
)

const users = commaList(userId)
const groups = commaList(groupId)

export const accessRule: ValueType<AccessRule> = {
  grammar: `[not] ${networks.grammar}|file = FILE|user = ${users.grammar}|group = ${groups.grammar}`,
  read(input) {
    const { position } = input.tokens.peek()
    const isNegated = skipWord(input, 'not')
    const subject = readSubject(input)
    // The value type is the same for both directives: the directive's own words decide.
    const isPermit = PERMITTING.has(input.words.at(-1) ?? '')
    return subject && { isPermit, isNegated, ...subject, position }
  },
}

type Subject =
  | Pick<NetworkRule, 'networks'>
  | Pick<FileRule, 'entries' | 'file'>
  | Pick<IdentityRule, 'users' | 'groups'>

function readSubject(input: ValueInput): Subject | undefined {
  if (skipWord(input, 'user')) {
    const given = users.read(input)
    return given && { users: given.map(({ uid }) => uid), groups: [] }
  }
  if (skipWord(input, 'group')) {
    const given = groups.read(input)
    return given && { users: [], groups: given }
  }
  if (skipWord(input, 'file')) return readFile(input)
  const given = networks.read(input)
  return given && { networks: given }
}

/** Reports each mistake at its place in the file. */
function readFile(input: ValueInput): Pick<FileRule, 'entries' | 'file'> | undefined {
  const { problems, sources } = input
  return readOne(input, 'a file', ({ text: file }) => {
    const answer = sources.read(file)
    if (!answer.ok) return new Refusal(cannotRead(file, answer.code, sources))
    const { entries, mistakes } = readRuleFile(answer.bytes)
    for (const { hint, message, ...place } of mistakes) problems.error({ file, ...place }, message, { hint })
    return { entries, file }
  })
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
