/** Value types for patterns and for filters of groups. */
import type { IdFilter, NameFilter } from '../mavis/settings.js'
import { type Refusal, refuseText } from './expectation.js'
import { parseCount, UINT_MAX, yesNo } from './number-types.js'
import { compilePattern } from './pattern.js'
import { optional } from './row.js'
import { isReported, isText } from './token.js'
import {
  acceptedOrReported,
  commaList,
  oneToken,
  reportUnexpected,
  type ValueInput,
  type ValueType,
} from './value-type.js'

const caseMatching: ValueType<boolean> = {
  ...yesNo,
  read(input) {
    const isMatched = yesNo.read(input)
    if (isMatched !== undefined) input.patterns.isCaseMatched = isMatched
    return isMatched
  },
}

export const caseRow = optional('regex-match-case', caseMatching, {
  doc:
    'Whether patterns are case-sensitive, from here to the end of the enclosing block: patterns in scripts and in ' +
    'filters of MAVIS modules.',
  defaultText: '`no`',
})

/** `[not] PATTERN, …`: a text is a POSIX pattern, one between slashes a Perl pattern. */
export const nameFilters: ValueType<readonly NameFilter[]> = {
  grammar: 'PATTERN[, …]|not PATTERN[, …]',
  read(input) {
    // Slashes begin patterns from the next token on; the mode is reset after the last one.
    input.tokens.setMode('patterns')
    const isNegated = skipNot(input)
    const patterns = commaList(pattern).read(input)
    input.tokens.setMode('plain')
    return patterns?.map((one) => ({ isNegated, pattern: one }))
  },
}

/** `[not] N[-M], …` */
export const idFilters: ValueType<readonly IdFilter[]> = {
  grammar: 'N[-M][, …]|not N[-M][, …]',
  read(input) {
    const isNegated = skipNot(input)
    return idRanges.read(input)?.map((range) => ({ isNegated, ...range }))
  },
}

const pattern: ValueType<RegExp> = {
  grammar: 'PATTERN',
  read({ patterns, problems, tokens }) {
    const token = tokens.peek()
    if (token.kind !== 'pattern' && !isText(token)) {
      reportUnexpected(problems, token, 'a pattern')
      return undefined
    }
    tokens.next()
    if (isReported(token)) return undefined
    // Slashes: Perl; a word or quotes: POSIX, as in the original.
    const dialect = token.kind === 'pattern' ? 'perl' : 'posix'
    return acceptedOrReported(problems, token, compilePattern(token.text, dialect, !patterns.isCaseMatched))
  },
}

const idRanges = commaList(oneToken('N[-M]', parseRange))

function parseRange(text: string): Pick<IdFilter, 'from' | 'to'> | Refusal {
  const [first = '', last = first, ...rest] = text.split('-')
  const [from, to] = [parseCount(first), parseCount(last)]
  const isRange = from !== undefined && to !== undefined && from <= to && to <= UINT_MAX
  return isRange && rest.length === 0 ? { from, to } : refuseText('a number N or a range N-M', text)
}

function skipNot({ tokens }: ValueInput): boolean {
  const token = tokens.peek()
  const isThere = token.kind === 'word' && token.text === 'not'
  if (isThere) tokens.next()
  return isThere
}
