/** Value types of `setenv` and `alias`. */
import { refuseText, shown } from './expectation.js'
import { isPunctuation, isText, type Token } from './token.js'
import { readOne, reportUnexpected, type ValueInput, type ValueType } from './value-type.js'

export type Variable = readonly [name: string, value: string]

/** `NAME [=] VALUE`: a variable for the environment of another program. */
export const variable: ValueType<Variable> = {
  grammar: 'NAME = VALUE',
  read(input) {
    const name = readOne(input, 'a variable name', ({ text }) =>
      text === '' || text.includes('=') ? refuseText('a variable name', text) : text,
    )
    if (name === undefined) return undefined
    input.tokens.skipEquals()
    const value = readOne(input, `a value for ${shown(name)}`, ({ text }) => text)
    return value === undefined ? undefined : [name, value]
  },
}

/** `setenv NAME [=] VALUE`: takes effect at once, for all tokens after it. */
export const environmentChange: ValueType<Variable> = {
  grammar: variable.grammar,
  read(input) {
    const change = variable.read(input)
    // While it is parsed: later tokens expand `${NAME}` by the same map.
    if (change !== undefined) input.environment.set(...change)
    return change
  },
}

/** `alias NAME { … }`: from here on NAME expands to the tokens. */
export const aliasDefinition: ValueType<string> = {
  grammar: 'NAME { TOKENS }',
  read(input) {
    // As written: a second definition must not expand the first.
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

/** The tokens between braces, after an optional `=`; undefined: `wanted` is missing, which has been reported. */
export function readBracedBlock(input: ValueInput, wanted: string): readonly Token[] | undefined {
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
