/** Help texts of tcprelayctl, from the table of operations. */
import { DEFAULT_ADMIN_PATH } from '../../base/admin-path.js'
import type { Operation } from '../operations/operation.js'
import { OPERATIONS, operationOf } from '../operations/operations.js'
import { COMPLETION, CTL_OPTIONS, SOCKET_VARIABLE } from './arguments.js'
import { SHELLS } from './completion.js'

/** `health NAME` */
export function commandLine(name: string, { parameters }: Operation): string {
  const words = Object.entries(parameters).map(([key, { isOptional }]) => {
    return isOptional === true ? `[${key.toUpperCase()}]` : key.toUpperCase()
  })
  return [name, ...words].join(' ')
}

export function ctlUsage(): string {
  const commands = [
    ...Object.entries<Operation>(OPERATIONS).map(
      ([name, operation]) => [commandLine(name, operation), operation.doc] as const,
    ),
    [`${COMPLETION} ${SHELLS.join('|')}`, 'Print the completion of a shell.'],
    ['help COMMAND', 'Describe a command.'],
  ] as const
  const options = Object.entries(CTL_OPTIONS).map(([name, option]) => {
    const value = 'value' in option ? ` ${option.value}` : ''
    return [`-${option.short}, --${name}${value}`, option.help] as const
  })
  return [
    'usage: tcprelayctl [OPTION …] COMMAND\n\nAsks a running tcprelay, and changes it.\n\nCommands:\n',
    ...rows(commands),
    '\nOptions:\n',
    ...rows(options),
    `\nThe socket is ${DEFAULT_ADMIN_PATH}, or that of ${SOCKET_VARIABLE}.\n`,
    'Exit codes: 0 done, 1 the relay refused it, 64 wrong command line, 69 no relay answers, 77 not permitted.\n',
  ].join('')
}

/** Undefined: there is no such command. */
export function commandHelp(name: string): string | undefined {
  const operation = operationOf(name)
  if (operation === undefined) return undefined
  const parameters = Object.entries(operation.parameters).map(
    ([key, { doc }]) => [key.toUpperCase(), doc] as const,
  )
  const level = `Needs the level '${operation.level}'.`
  return `usage: tcprelayctl ${commandLine(name, operation)}\n\n${operation.doc} ${level}\n${
    parameters.length === 0 ? '' : `\n${rows(parameters).join('')}`
  }`
}

function rows(pairs: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...pairs.map(([left]) => left.length))
  return pairs.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`)
}
