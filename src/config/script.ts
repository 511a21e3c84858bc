/** Parser of scripts in MAVIS modules. */
import { byteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import type { Script, Statement, Template, TemplatePart } from '../mavis/script.js'
import { Refusal, refuseWord } from './expectation.js'
import { attribute, isAttribute, parseAttribute } from './script-attribute.js'
import { ConditionReader } from './script-condition.js'
import { isPunctuation, isReported, isText, type Token } from './token.js'
import { acceptedOrReported, reportUnexpected, type ValueInput, type ValueType } from './value-type.js'

/** Nesting limit of statements: parsing is recursive and must not exhaust the stack. */
const NESTING_MAX = 200

const STATEMENTS = ['continue', 'eval', 'if', 'return', 'set', 'skip', 'tolower', 'toupper', 'unset']

const RESULTS = ['ACK', 'NAK', 'NFD', 'ERR']

/** `{ … }` after `script in`, `script interim` and `script out`. */
export const script: ValueType<Script> = {
  grammar: '{ STATEMENTS }',
  read(input) {
    const { problems, tokens } = input
    const opening = tokens.peek()
    if (!isPunctuation(opening, '{')) {
      reportUnexpected(problems, opening, "'{'")
      return undefined
    }
    tokens.next()
    tokens.setMode('script')
    // The closing brace is read in script mode; the token after it is not read yet.
    const parsed = new ScriptReader(input).readAll(opening)
    tokens.setMode('plain')
    return parsed
  },
}

/** Parses statements. After an error it continues with the next statement. */
class ScriptReader {
  readonly #input: ValueInput
  readonly #conditions: ConditionReader
  /** An error was reported: the script is dropped, and an `else` without `if` may be a consequence. */
  #hasMistakes = false
  #depth = 0

  constructor(input: ValueInput) {
    this.#input = input
    this.#conditions = new ConditionReader(input)
  }

  /** Parses from after a `{` to after its `}`. Undefined: errors have been reported. */
  readAll(opening: Token): Script | undefined {
    const statements = this.#readBlock(opening)
    return this.#hasMistakes ? undefined : statements
  }

  #readBlock({ position: { line, column } }: Token): Script {
    const { problems, tokens } = this.#input
    const statements: Statement[] = []
    for (let token = tokens.peek(); !isPunctuation(token, '}'); token = tokens.peek()) {
      if (token.kind === 'end') {
        this.#hasMistakes = true
        reportUnexpected(problems, token, `'}' for the '{' at ${line}:${column}`)
        return statements
      }
      const statement = this.#readStatement(token)
      if (statement === undefined) this.#recover()
      else statements.push(statement)
    }
    tokens.next()
    return statements
  }

  /** Consumes at least one token, so that `#readBlock` comes to its end. */
  #readStatement(start: Token): Statement | undefined {
    const { problems, tokens } = this.#input
    tokens.next()
    const isBlock = isPunctuation(start, '{')
    if (this.#depth === NESTING_MAX) {
      problems.error(
        start.position,
        `statements nested too deeply: at most ${NESTING_MAX} levels are allowed`,
      )
      // Otherwise each level below would report the same.
      if (isBlock) tokens.skipBraced()
      return undefined
    }
    this.#depth += 1
    const statement: Statement | undefined = isBlock
      ? { kind: 'block', statements: this.#readBlock(start) }
      : this.#readNamed(start)
    this.#depth -= 1
    return statement
  }

  #readNamed(start: Token): Statement | undefined {
    switch (start.kind === 'word' ? start.text : '') {
      case 'return':
      case 'continue':
      case 'skip':
        return { kind: start.text as 'return' | 'continue' | 'skip' }
      case 'unset':
      case 'toupper':
      case 'tolower':
        return this.#readChange(start.text as 'unset' | 'toupper' | 'tolower')
      case 'set':
        return this.#readSet()
      case 'eval': {
        const condition = this.#conditions.read()
        return condition && { kind: 'eval', condition }
      }
      case 'if':
        return this.#readIf()
      default:
        this.#refuse(start)
        return undefined
    }
  }

  #refuse(token: Token): void {
    const { problems } = this.#input
    // Reported when the token was read.
    if (isReported(token)) return
    if (token.text === 'reset') {
      problems.error(token.position, "'reset' is not supported: save the value in CUSTOM_0 and set it again")
    } else if (token.text !== 'else' || !this.#hasMistakes) {
      const { hint, message } = refuseWord([...STATEMENTS, '{', '}'], token.text)
      problems.error(token.position, message, { hint })
    }
  }

  #readChange(kind: 'unset' | 'toupper' | 'tolower'): Statement | undefined {
    const number = attribute.read(this.#input)
    return number === undefined ? undefined : { kind, attribute: number }
  }

  #readSet(): Statement | undefined {
    const { problems, tokens } = this.#input
    const number = attribute.read(this.#input)
    if (number === undefined) return undefined
    const hasEquals = tokens.skipEquals()
    const token = tokens.peek()
    // Without `=`, a word on the next line is rather the next statement than the value.
    if (!hasEquals && (!isText(token) || tokens.isOnNewLine(token))) {
      reportUnexpected(problems, token, "'='", false)
      return undefined
    }
    if (!isText(token)) {
      reportUnexpected(problems, token, 'a value')
      return undefined
    }
    tokens.next()
    const value = acceptedOrReported(problems, token, isReported(token) ? [] : parseValue(token))
    if (value === undefined) return undefined
    this.#checkResult(number, value, token)
    return { kind: 'set', attribute: number, value }
  }

  /** Warns about an unknown result, which would reject the client. */
  #checkResult(number: number, value: Template, { position, text }: Token): void {
    const [part, ...others] = value
    if (number !== AV.RESULT || part?.kind !== 'text' || others.length > 0) return
    if (RESULTS.includes(part.text)) return
    const { hint, message } = refuseWord(RESULTS, text)
    this.#input.problems.warn(position, message, { hint })
  }

  #readIf(): Statement | undefined {
    const { tokens } = this.#input
    const condition = this.#conditions.read()
    const then = condition && this.#readInner()
    if (condition === undefined || then === undefined) return undefined
    const next = tokens.peek()
    // An `else` belongs to the nearest `if`.
    if (next.kind !== 'word' || next.text !== 'else')
      return { kind: 'if', condition, then, otherwise: undefined }
    tokens.next()
    const otherwise = this.#readInner()
    return otherwise && { kind: 'if', condition, then, otherwise }
  }

  /** The statement of an `if` or `else`. */
  #readInner(): Statement | undefined {
    const { problems, tokens } = this.#input
    const token = tokens.peek()
    if (token.kind !== 'end' && !isPunctuation(token, '}')) return this.#readStatement(token)
    reportUnexpected(problems, token, 'a statement', false)
    return undefined
  }

  /** Skips to a word that may begin the next statement, or to the end of the block. */
  #recover(): void {
    const { tokens } = this.#input
    this.#hasMistakes = true
    for (let token = tokens.peek(); token.kind !== 'end'; token = tokens.peek()) {
      if (isPunctuation(token, '{') || isPunctuation(token, '}')) return
      if (token.kind === 'word' && STATEMENTS.includes(token.text)) return
      tokens.next()
    }
  }
}

/** An attribute, or text in which `$0` to `$9` denote groups and a backslash makes the next character literal. */
function parseValue(token: Token): Template | Refusal {
  if (!isAttribute(token)) return parseTemplate(token.text)
  const number = parseAttribute(token.text)
  return number instanceof Refusal ? number : [{ kind: 'attribute', attribute: number }]
}

function parseTemplate(text: string): Template {
  const parts: TemplatePart[] = []
  let literal = ''
  const endLiteral = () => {
    if (literal !== '') parts.push({ kind: 'text', text: byteString(literal) })
    literal = ''
  }
  // Pieces: a group, an escaped character, or one character. A trailing backslash is dropped.
  for (const [piece] of text.matchAll(/\$\d|\\.|./gsu)) {
    if (/^\$\d$/.test(piece)) {
      endLiteral()
      parts.push({ kind: 'group', index: Number(piece[1]) })
    } else if (piece.length > 1) literal += piece.replace(/^\\/, '')
    else if (piece !== '\\') literal += piece
  }
  endLiteral()
  return parts
}
