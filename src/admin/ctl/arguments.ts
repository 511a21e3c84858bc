/** The command line of tcprelayctl, read by the table of operations. */
import { parseArgs } from 'node:util'
import { DEFAULT_ADMIN_PATH } from '../../base/admin-path.js'
import { nearest } from '../../base/suggest.js'
import type { Operation } from '../operations/operation.js'
import { OPERATION_NAMES, operationOf } from '../operations/operations.js'
import type { Schema } from '../operations/schema.js'
import { SHELLS, type Shell } from './completion.js'

export interface Asked {
  readonly name: string
  readonly operation: Operation
  readonly values: Readonly<Record<string, string | number>>
  readonly socket: string
  /** The answer as it came. */
  readonly isJson: boolean
  /** Tables with all columns. */
  readonly isWide: boolean
}

export type CtlArguments =
  | ({ readonly kind: 'ask' } & Asked)
  | { readonly kind: 'completion'; readonly shell: Shell }
  | { readonly kind: 'help'; readonly operation: string | undefined }
  | { readonly kind: 'version' }
  | { readonly kind: 'wrong'; readonly message: string }

export const COMPLETION = 'completion'
/** Overrides the default of `--socket`. */
export const SOCKET_VARIABLE = 'TCPRELAYCTL_SOCKET'

/** In the order of the help text; they may stand anywhere. */
export const CTL_OPTIONS = {
  socket: { type: 'string', short: 's', value: 'PATH', help: 'Unix socket of the relay' },
  json: { type: 'boolean', short: 'j', help: 'print the answer as JSON' },
  wide: { type: 'boolean', short: 'w', help: 'print all columns of tables' },
  help: { type: 'boolean', short: 'h', help: 'print this text, or that of a command' },
  version: { type: 'boolean', short: 'v', help: 'print the version' },
} as const

export function parseCtl(words: readonly string[], environment: NodeJS.ProcessEnv): CtlArguments {
  try {
    const { positionals, values } = parseArgs({
      args: [...words],
      options: CTL_OPTIONS,
      allowPositionals: true,
    })
    const [name, ...given] = positionals
    if (values.version === true) return { kind: 'version' }
    if (values.help === true || name === undefined || name === 'help')
      return { kind: 'help', operation: name === 'help' ? given[0] : name }
    if (name === COMPLETION) return completionOf(given)
    const socket = values.socket ?? environment[SOCKET_VARIABLE] ?? DEFAULT_ADMIN_PATH
    return asked(name, given, { socket, isJson: values.json === true, isWide: values.wide === true })
  } catch (error) {
    // Thrown by parseArgs for unknown options.
    return wrong(error instanceof Error ? error.message : String(error))
  }
}

function completionOf([word]: readonly string[]): CtlArguments {
  const shell = SHELLS.find((candidate) => candidate === word)
  return shell === undefined
    ? wrong(`'${COMPLETION}' takes one of ${SHELLS.join(', ')}`)
    : { kind: COMPLETION, shell }
}

function asked(
  name: string,
  given: readonly string[],
  options: Pick<Asked, 'isJson' | 'isWide' | 'socket'>,
): CtlArguments {
  const operation = operationOf(name)
  if (operation === undefined) {
    const meant = nearest(name, OPERATION_NAMES)
    return wrong(`unknown command '${name}'${meant === undefined ? '' : `, did you mean '${meant}'?`}`)
  }
  const parameters = Object.entries(operation.parameters)
  const values: Record<string, string | number> = {}
  for (const [i, [key, schema]] of parameters.entries()) {
    const text = given[i]
    if (text === undefined && schema.isOptional !== true) return wrong(`'${name}' needs ${key.toUpperCase()}`)
    if (text === undefined) continue
    const value = valueOfText(schema, text)
    if (value === undefined)
      return wrong(`${key.toUpperCase()} of '${name}' is ${wantedBy(schema)}, not '${text}'`)
    values[key] = value
  }
  const surplus = given[parameters.length]
  if (surplus !== undefined) return wrong(`'${name}' takes no further argument '${surplus}'`)
  return { kind: 'ask', name, operation, values, ...options }
}

/** Undefined: the text is no such value. The relay checks it again. */
function valueOfText({ isWhole, kind, words }: Schema, text: string): string | number | undefined {
  if (kind === 'number') {
    const number = text.trim() === '' ? Number.NaN : Number(text)
    return Number.isFinite(number) && (isWhole !== true || Number.isInteger(number)) ? number : undefined
  }
  return words === undefined || words.includes(text) ? text : undefined
}

function wantedBy({ isWhole, words }: Schema): string {
  if (words !== undefined) return `one of ${words.join(', ')}`
  return isWhole === true ? 'a whole number' : 'a number'
}

function wrong(message: string): CtlArguments {
  return { kind: 'wrong', message }
}
