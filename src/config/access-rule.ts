import { type Network, parseNetwork } from '../base/cidr.js'
import type { Position } from '../base/problem.js'
import { refuseText } from './expectation.js'
import { commaList, oneToken, type ValueInput, type ValueType } from './value-type.js'

/** One line of an access list; the first that applies to a client decides. */
export interface AccessRule {
  readonly isPermit: boolean
  /** Applies to the clients of all other networks instead. */
  readonly isNegated: boolean
  readonly networks: readonly Network[]
  readonly position: Position
}

const PERMITTING = new Set(['permit', 'accept'])

const networks = commaList(
  oneToken(
    'CIDR',
    (text) => parseNetwork(text) ?? refuseText('an IP address or network in CIDR notation', text),
  ),
)

export const accessRule: ValueType<AccessRule> = {
  grammar: `[not] ${networks.grammar}`,
  read(input) {
    const { position } = input.tokens.peek()
    const isNegated = skipNot(input)
    const given = networks.read(input)
    if (given === undefined) return undefined
    const isPermit = PERMITTING.has(input.words.at(-1) ?? '')
    return { isPermit, isNegated, networks: given, position }
  },
}

function skipNot({ tokens }: ValueInput): boolean {
  const { kind, text } = tokens.peek()
  const isThere = kind === 'word' && text === 'not'
  if (isThere) {
    tokens.next()
    tokens.skipEquals()
  }
  return isThere
}
