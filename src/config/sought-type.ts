/** The value type of what an answer of a server has to contain: text, bytes, or a pattern. */
import { byteString } from '../base/byte-string.js'
import type { Sought } from '../health/probe-checks.js'
import { Refusal, refuseText, shown } from './expectation.js'
import { compilePattern } from './pattern.js'
import { isReported, isText, type Token } from './token.js'
import {
  acceptedOrReported,
  oneToken,
  reportUnexpected,
  type ValueInput,
  type ValueType,
} from './value-type.js'

/** In a translated pattern: what V8 cannot match in linear time. */
const UNBOUNDED = /\(\?(?:[=!]|<[=!])|\\[1-9]/

/** `TEXT`, `hex DIGITS` or `/PATTERN/`. */
export const sought: ValueType<Sought> = {
  grammar: 'TEXT|/PATTERN/|hex DIGITS',
  read(input) {
    // A slash begins a pattern in the next token only.
    input.tokens.setMode('patterns')
    const token = input.tokens.peek()
    input.tokens.setMode('plain')
    if (token.kind !== 'pattern') return wrapped(bytesToSend.read(input), token)
    input.tokens.next()
    return isReported(token) ? undefined : acceptedOrReported(input.problems, token, patternOf(token.text))
  },
}

/** `TEXT` or `hex DIGITS`, as one character for each byte. */
export const bytesToSend: ValueType<string> = {
  grammar: 'TEXT|hex DIGITS',
  read(input) {
    const token = input.tokens.peek()
    if (!isText(token)) {
      reportUnexpected(input.problems, token, 'a text')
      return undefined
    }
    if (token.kind === 'word' && token.text === 'hex') return readHex(input)
    return nonEmpty.read(input)
  },
}

const nonEmpty = oneToken('TEXT', (text) => (text === '' ? refuseText('a text', text) : byteString(text)))

const digits = oneToken('DIGITS', (text) => {
  const pairs = text.replaceAll(' ', '')
  if (!/^([0-9A-Fa-f]{2})+$/.test(pairs)) return refuseText('hexadecimal digits, two for each byte', text)
  return pairs.replace(/../g, (pair) => String.fromCharCode(Number.parseInt(pair, 16)))
})

function readHex(input: ValueInput): string | undefined {
  input.tokens.next()
  return digits.read(input)
}

function wrapped(source: string | undefined, { kind, text }: Token): Sought | undefined {
  if (source === undefined) return undefined
  const isHex = kind === 'word' && text === 'hex'
  return { kind: 'bytes', source, shown: isHex ? `hex ${hexOf(source)}` : `"${text}"` }
}

function hexOf(source: string): string {
  return Array.from(source, (byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('')
}

function patternOf(text: string): Sought | Refusal {
  const pattern = compilePattern(text, 'perl', false)
  if (pattern instanceof Refusal) return pattern
  const { source } = pattern
  if (UNBOUNDED.test(source))
    return new Refusal(
      `look-around, back-references, '\\A' and '\\z' in the pattern ${shown(text)} are not supported here: they can take ` +
        'unlimited time',
      "'^' and '$' match at the ends of lines",
    )
  return { kind: 'pattern', source, shown: `/${text}/` }
}
