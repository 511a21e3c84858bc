/** Runs tcprelayctl. Start reading this folder here. */
import { EXIT_NO_PERMISSION, EXIT_OK, EXIT_UNAVAILABLE, EXIT_USAGE } from '../../base/exit-codes.js'
import { answerText } from './answer-text.js'
import { type Asked, CTL_OPTIONS, parseCtl } from './arguments.js'
import { ask } from './ask.js'
import { completionScript } from './completion.js'
import { commandHelp, ctlUsage } from './help.js'

/** The relay has refused what was asked. */
const EXIT_REFUSED = 1

export interface Terminal {
  readonly environment: NodeJS.ProcessEnv
  readonly isTerminal: boolean
  readonly version: string
  /** `fd`: 1 or 2. */
  write(fd: number, text: string): void
}

/** Returns the exit code. */
export async function runCtl(words: readonly string[], terminal: Terminal): Promise<number> {
  const given = parseCtl(words, terminal.environment)
  switch (given.kind) {
    case 'wrong':
      return fail(terminal, EXIT_USAGE, `${given.message} (see 'tcprelayctl --help')`)
    case 'version':
      terminal.write(1, `tcprelayctl version ${terminal.version}\n`)
      return EXIT_OK
    case 'completion':
      terminal.write(1, completionScript(given.shell, CTL_OPTIONS))
      return EXIT_OK
    case 'help':
      return help(terminal, given.operation)
    case 'ask':
      return answer(terminal, given)
  }
}

function help(terminal: Terminal, name: string | undefined): number {
  const text = name === undefined ? ctlUsage() : commandHelp(name)
  if (text === undefined) return fail(terminal, EXIT_USAGE, `unknown command '${name}'`)
  terminal.write(1, text)
  return EXIT_OK
}

async function answer(terminal: Terminal, asked: Asked): Promise<number> {
  const reply = await ask(asked)
  if (reply.kind === 'unreachable')
    return fail(terminal, EXIT_UNAVAILABLE, `${asked.socket}: ${reply.problem}`)
  const { body, status } = reply
  const value = parsed(body)
  if (status !== 200) {
    const code = status === 401 || status === 403 ? EXIT_NO_PERMISSION : EXIT_REFUSED
    return fail(terminal, code, problemIn(value) ?? `the relay answers with status ${status}`)
  }
  if (asked.isJson) terminal.write(1, `${JSON.stringify(value, undefined, 2)}\n`)
  else {
    // https://no-color.org: any value that is not empty.
    const hasColours = terminal.isTerminal && !terminal.environment.NO_COLOR
    terminal.write(1, answerText(asked.operation.answer, value, { hasColours, isWide: asked.isWide }))
  }
  return EXIT_OK
}

function fail(terminal: Terminal, code: number, problem: string): number {
  terminal.write(2, `tcprelayctl: ${problem}\n`)
  return code
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function problemIn(value: unknown): string | undefined {
  const hasProblem = typeof value === 'object' && value !== null && 'error' in value
  return hasProblem ? String(value.error) : undefined
}
