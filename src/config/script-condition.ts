/** Parser of conditions in scripts. */
import { byteString } from '../base/byte-string.js'
import { ATTRIBUTES } from '../base/mavis-attributes.js'
import { nearest } from '../base/suggest.js'
import type { Condition, Template } from '../mavis/script.js'
import { Refusal, refuseWord, shown } from './expectation.js'
import { compilePattern } from './pattern.js'
import { attribute, attributeOfWord, isAttribute, parseAttribute } from './script-attribute.js'
import { isPunctuation, isReported, isText, type Token } from './token.js'
import { acceptedOrReported, readOne, reportUnexpected, type ValueInput } from './value-type.js'

/** Same nesting limit as for statements (script.ts). */
const NESTING_MAX = 200

const OPERATORS = ['==', '!=', '=~', '!~']

/** Recursive descent; precedence from high to low: `!`, comparisons, `&&`, `||`. */
export class ConditionReader {
  readonly #input: ValueInput
  /** Open parentheses and negations. */
  #depth = 0

  constructor(input: ValueInput) {
    this.#input = input
  }

  /** Undefined: an error has been reported. */
  read(): Condition | undefined {
    this.#depth = 0
    return this.#readOr()
  }

  #readOr(): Condition | undefined {
    return this.#readJoined('||', 'or', () => this.#readAnd())
  }

  #readAnd(): Condition | undefined {
    return this.#readJoined('&&', 'and', () => this.#readOne())
  }

  #readJoined(
    operator: string,
    kind: 'and' | 'or',
    readNext: () => Condition | undefined,
  ): Condition | undefined {
    const { tokens } = this.#input
    // Collected in a loop, not by recursion: a list of terms may have thousands.
    const terms: Condition[] = []
    for (;;) {
      const term = readNext()
      // After an error the whole condition is given up: the script continues with its next statement.
      if (term === undefined) return undefined
      terms.push(term)
      if (!isPunctuation(tokens.peek(), operator)) return joined(terms, kind)
      tokens.next()
    }
  }

  #readOne(): Condition | undefined {
    const { problems, tokens } = this.#input
    const token = tokens.peek()
    if (this.#depth === NESTING_MAX) {
      problems.error(
        token.position,
        `conditions nested too deeply: at most ${NESTING_MAX} levels are allowed`,
      )
      return undefined
    }
    this.#depth += 1
    const condition = this.#readTerm(token)
    this.#depth -= 1
    return condition
  }

  #readTerm(token: Token): Condition | undefined {
    const { tokens } = this.#input
    if (isPunctuation(token, '!')) {
      tokens.next()
      return negated(this.#readOne())
    }
    if (isPunctuation(token, '(')) {
      tokens.next()
      const inner = this.#readOr()
      return inner && (this.#expectClosing("')', '&&' or '||'") ? inner : undefined)
    }
    const isTest = token.kind === 'word' && (token.text === 'defined' || token.text === 'undef')
    if (!isTest) return this.#readComparison()
    tokens.next()
    const defined = this.#readDefined()
    return token.text === 'undef' ? negated(defined) : defined
  }

  /** The attribute after `defined`, with or without parentheses. */
  #readDefined(): Condition | undefined {
    const { tokens } = this.#input
    let open = 0
    for (; isPunctuation(tokens.peek(), '('); open++) tokens.next()
    const number = attribute.read(this.#input)
    if (number === undefined) return undefined
    for (; open > 0; open--) if (!this.#expectClosing("')'")) return undefined
    return { kind: 'defined', attribute: number }
  }

  /** Consumes a `)`, or reports its absence. `wanted`: what could be here instead. */
  #expectClosing(wanted: string): boolean {
    const { problems, tokens } = this.#input
    const isThere = isPunctuation(tokens.peek(), ')')
    if (isThere) tokens.next()
    else reportUnexpected(problems, tokens.peek(), wanted, false)
    return isThere
  }

  #readComparison(): Condition | undefined {
    const { tokens } = this.#input
    const number = attribute.read(this.#input)
    if (number === undefined) return undefined
    const operator = tokens.peek()
    if (operator.kind !== 'punctuation' || !OPERATORS.includes(operator.text)) {
      this.#refuseOperator(operator)
      return undefined
    }
    tokens.next()
    const isMatch = operator.text.endsWith('~')
    const found = isMatch ? this.#readMatch(number) : this.#readEqual(number)
    return operator.text.startsWith('!') ? negated(found) : found
  }

  #refuseOperator(token: Token): void {
    const { problems } = this.#input
    if (token.kind === 'end') {
      reportUnexpected(problems, token, "'=='", false)
      return
    }
    const { message } = refuseWord(OPERATORS, token.text)
    const hint = token.text === '=' ? "did you mean '=='?" : undefined
    if (!isReported(token)) problems.error(token.position, message, { hint })
  }

  #readEqual(number: number): Condition | undefined {
    const { problems, tokens } = this.#input
    const wanted = 'an attribute or a text'
    if (!isText(tokens.peek())) {
      reportUnexpected(problems, tokens.peek(), wanted, false)
      return undefined
    }
    const value = readOne(this.#input, wanted, (token) => this.#parseOperand(token))
    return value && { kind: 'equal', attribute: number, value }
  }

  #parseOperand(token: Token): Template | Refusal {
    const { problems } = this.#input
    // To the right of `==`, the original takes these words for attributes; most users mean text.
    const known = token.kind === 'word' ? attributeOfWord(token.text) : undefined
    if (known !== undefined) {
      const hint = `write '$${ATTRIBUTES[known]}' for the attribute, or quotes for the text`
      problems.warn(token.position, `${shown(token.text)} is interpreted as an attribute`, { hint })
    }
    const number = isAttribute(token) ? parseAttribute(token.text) : known
    if (number instanceof Refusal) return number
    if (number !== undefined) return [{ kind: 'attribute', attribute: number }]
    const close = token.kind === 'word' ? nearest(token.text, ATTRIBUTES) : undefined
    if (close !== undefined) {
      const hint = `write '$${close}' for the attribute, or quotes for the text`
      problems.warn(token.position, `${shown(token.text)} is interpreted as text`, { hint })
    }
    return [{ kind: 'text', text: byteString(token.text) }]
  }

  #readMatch(number: number): Condition | undefined {
    const { patterns, problems, tokens } = this.#input
    const token = tokens.peek()
    if (token.kind !== 'pattern' && !isText(token)) {
      reportUnexpected(problems, token, 'a pattern', false)
      return undefined
    }
    tokens.next()
    if (isReported(token)) return undefined
    // As in the original, only patterns between slashes set `$0` to `$9`.
    const hasGroups = token.kind === 'pattern'
    // A text is a POSIX pattern, as in filters of modules.
    const compiled = compilePattern(token.text, hasGroups ? 'perl' : 'posix', !patterns.isCaseMatched)
    const pattern = acceptedOrReported(problems, token, compiled)
    return pattern && { kind: 'match', attribute: number, pattern, hasGroups }
  }
}

function negated(condition: Condition | undefined): Condition | undefined {
  return condition && { kind: 'not', of: condition }
}

/** A balanced tree, so that a long list of terms is not deep. Evaluation is still from left to right. */
function joined(terms: readonly Condition[], kind: 'and' | 'or'): Condition | undefined {
  const [first] = terms
  if (terms.length < 2) return first
  const middle = Math.ceil(terms.length / 2)
  const left = joined(terms.slice(0, middle), kind)
  const right = joined(terms.slice(middle), kind)
  return left && right && { kind, left, right }
}
