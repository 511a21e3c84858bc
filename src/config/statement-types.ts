import type { Position } from '../base/problem.js'
import { Refusal, refuseText, shown } from './expectation.js'
import { isPunctuation, isText, type Token } from './token.js'
import type { TokenStream } from './token-stream.js'
import { readOne, reportUnexpected, type ValueInput, type ValueType } from './value-type.js'

/** `setenv NAME [=] VALUE`: takes effect at once, for everything that is read after it. */
export const environmentChange: ValueType<readonly [name: string, value: string]> = {
  grammar: 'NAME = VALUE',
  read(input) {
    const name = readOne(input, 'the name of a variable', ({ text }) =>
      text === '' || text.includes('=') ? refuseText('the name of a variable', text) : text,
    )
    if (name === undefined) return undefined
    input.tokens.skipEquals()
    const value = readOne(input, `a value for ${shown(name)}`, ({ text }) => text)
    if (value === undefined) return undefined
    input.environment.set(name, value)
    return [name, value]
  },
}

/** `alias NAME { … }`: from now on NAME stands for the tokens. */
export const aliasDefinition: ValueType<string> = {
  grammar: 'NAME { TOKENS }',
  read(input) {
    const name = input.tokens.nextAsWritten()
    if (!isText(name)) {
      reportUnexpected(input.problems, name, 'a name for the alias')
      return undefined
    }
    const tokens = readBracedBlock(input, `the tokens of alias ${shown(name.text)} in braces`)
    if (tokens === undefined) return undefined
    input.tokens.defineAlias(name, tokens)
    return name.text
  },
}

/** A MAVIS module, its own directives not yet looked into. */
export interface MavisModule {
  /** Undefined: it is known by its place in the chain. */
  readonly name: string | undefined
  readonly module: string
  readonly position: Position
  readonly body: readonly Token[]
}

/** `mavis module [NAME] = MODULE { … }` */
export const mavisModule: ValueType<MavisModule> = {
  grammar: '[NAME] = MODULE { DIRECTIVES }',
  read(input) {
    const { position } = input.tokens.peek()
    const first = readOne(input, 'the name of a module', nonEmpty)
    if (first === undefined) return undefined
    const isNamed = input.tokens.skipEquals() || isNameFollowed(input.tokens)
    const second = isNamed ? readOne(input, 'the name of a module', nonEmpty) : first
    if (second === undefined) return undefined
    const body = readBracedBlock(input, `the directives of module ${shown(second)} in braces`)
    return body && { name: isNamed ? first : undefined, module: second, position, body }
  },
}

/** Whether a second word follows on the same line: the first one was the name then. */
function isNameFollowed(tokens: TokenStream): boolean {
  const token = tokens.peek()
  return isText(token) && !tokens.isOnNewLine(token)
}

function nonEmpty({ text }: Token): string | Refusal {
  return text === '' ? new Refusal('this name is empty') : text
}

function readBracedBlock(input: ValueInput, wanted: string): readonly Token[] | undefined {
  input.tokens.skipEquals()
  if (!isPunctuation(input.tokens.peek(), '{')) {
    reportUnexpected(input.problems, input.tokens.peek(), wanted)
    return undefined
  }
  const { line } = input.tokens.next().position
  const body = input.tokens.readBraced()
  if (body === undefined)
    reportUnexpected(input.problems, input.tokens.peek(), `'}' for the '{' in line ${line}`)
  return body
}
