/**
 * Reads access rules: after `permit` or `deny` an optional `not`, then networks, or the words of another condition with its
 * values.
 */
import type { FileRule, NetworkRule } from '../admission/compile-access.js'
import type { IdentityRule } from '../admission/identity-list.js'
import type { RuleVerdict } from '../admission/rule-verdict.js'
import { parseNetwork } from '../base/cidr.js'
import type { Position } from '../base/problem.js'
import { groupId, userId } from './account-types.js'
import { CONDITION_TYPES, CONDITION_WORDS, type RuleConditions } from './condition-types.js'
import { didYouMean, Refusal, refuseWord } from './expectation.js'
import { asns, countries } from './origin-types.js'
import { refuseNetwork } from './refuse-network.js'
import { readRuleFile } from './rule-file.js'
import { cannotRead } from './sources.js'
import { commaList, oneToken, readOne, type ValueInput, type ValueType } from './value-type.js'

/** About countries and autonomous systems. */
export interface OriginRule extends RuleVerdict {
  /** `DE`, `AS64500` */
  readonly origins: readonly string[]
}

/** About a fact of the client, as routes have it. */
export interface ConditionRule extends RuleVerdict {
  readonly conditions: RuleConditions
}

/** One access rule. */
export type AccessRule = (NetworkRule | FileRule | OriginRule | IdentityRule | ConditionRule) & {
  readonly position: Position
}

/** Words of directives that permit; all others deny. */
const PERMITTING = new Set(['permit', 'accept'])

const WANTED = 'an IP address or network in CIDR notation'
const RULE_WANTED = 'an IP address, a network in CIDR notation or another condition'

export const networks = commaList(
  oneToken('CIDR', (text) => parseNetwork(text) ?? refuseNetwork(text, WANTED)),
)

/** Another word may be a misspelled condition. */
const ruleNetworks = commaList(oneToken('CIDR', (text) => parseNetwork(text) ?? refuseSubject(text)))

function refuseSubject(text: string): Refusal {
  const { hint, message } = refuseNetwork(text, RULE_WANTED)
  const words = SUBJECTS.map(([subject]) => subject.replace(/ .*/, ''))
  return new Refusal(message, hint ?? didYouMean(text, words))
}

const users = commaList(userId)
const groups = commaList(groupId)

const CONDITIONS = Object.keys(CONDITION_TYPES) as readonly (keyof RuleConditions)[]

export const accessRule: ValueType<AccessRule> = {
  grammar: [
    `[not] ${networks.grammar}`,
    'file = FILE',
    `country = ${countries.grammar}`,
    `asn = ${asns.grammar}`,
    `user = ${users.grammar}`,
    `group = ${groups.grammar}`,
    ...CONDITIONS.map((key) => `${CONDITION_WORDS[key]} = ${CONDITION_TYPES[key].grammar}`),
  ].join('|'),
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
  | Pick<OriginRule, 'origins'>
  | Pick<ConditionRule, 'conditions'>

/** The words before the values of each kind of rule, except of one about networks. */
const SUBJECTS: readonly (readonly [string, (input: ValueInput) => Subject | undefined])[] = [
  ['file', readFile],
  ['country', (input) => originsOf(countries.read(input))],
  ['asn', (input) => originsOf(asns.read(input))],
  ['user', readUsers],
  ['group', readGroups],
  ...CONDITIONS.map(
    (key) => [CONDITION_WORDS[key], (input: ValueInput) => readCondition(input, key)] as const,
  ),
  ['server-name', (input) => readCondition(input, 'serverNames')],
]

/** Without the words of another kind a rule is about networks. */
function readSubject(input: ValueInput): Subject | undefined {
  let left = SUBJECTS.map(([words, read]) => ({ words: words.split(' '), read }))
  for (let depth = 0; ; depth++) {
    const { position, text } = input.tokens.peek()
    const going = left.filter(({ words }) => words[depth] === text)
    if (going.length === 0 && depth > 0) {
      const { hint, message } = refuseWord(
        left.map(({ words }) => words[depth] ?? ''),
        text,
      )
      input.problems.error(position, message, { hint })
      return undefined
    }
    const [only] = going
    if (only === undefined) {
      const given = ruleNetworks.read(input)
      return given && { networks: given }
    }
    input.tokens.next()
    if (only.words.length === depth + 1) {
      input.tokens.skipEquals()
      return only.read(input)
    }
    left = going
  }
}

function readUsers(input: ValueInput): Subject | undefined {
  const given = users.read(input)
  return given && { users: given.map(({ uid }) => uid), groups: [] }
}

function readGroups(input: ValueInput): Subject | undefined {
  const given = groups.read(input)
  return given && { users: [], groups: given }
}

function originsOf(origins: readonly string[] | undefined): Subject | undefined {
  return origins && { origins }
}

function readCondition(input: ValueInput, key: keyof RuleConditions): Subject | undefined {
  const values = CONDITION_TYPES[key].read(input)
  return values && { conditions: { [key]: values } }
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
