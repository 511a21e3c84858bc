/** The common beginning of both programs: arguments, platform, usage and version. */
import { EXIT_OK, EXIT_UNAVAILABLE, EXIT_USAGE } from '../base/exit-codes.js'
import type { Arguments } from '../config/arguments.js'
import { keepInspectorClosed } from '../control/process/close-inspector.js'
import { thisPlatform, unsupportedReason } from '../kernel/platform.js'
import { LINK_VARIABLE } from '../services/link-messages.js'
import { versionLine } from '../services/version.js'
import { parseArguments, usage } from './arguments.js'
import { SIMULATE, simulateUsage } from './simulate-arguments.js'
import { writeTo } from './write-to.js'

export type Program = 'tcprelay' | 'spawnd'

/**
 * The common beginning of both programs. Answers what needs no access to the system and loads the rest on
 * demand. `programPath` names the section that is read by default.
 */
export async function main(
  program: Program,
  words: readonly string[] = process.argv.slice(2),
  programPath: string = process.argv[1] ?? program,
): Promise<void> {
  // First: SIGUSR1 may have opened the inspector before our handler was installed.
  keepInspectorClosed()
  const reason = unsupportedReason(thisPlatform())
  if (reason !== undefined) return end(EXIT_UNAVAILABLE, `${reason}\n`)
  const parsed = parseArguments(words)
  switch (parsed.kind) {
    case 'help':
      writeTo(1, usage(program))
      return
    case 'version':
      return end(EXIT_OK, `${versionLine(program)}\n`)
    case 'simulate-help':
      writeTo(1, simulateUsage(program))
      return
    case 'wrong': {
      const help = words[0] === SIMULATE ? simulateUsage(program) : usage(program)
      return end(EXIT_USAGE, `${program}: ${parsed.message}\n${help}`)
    }
    case 'mavis-test': {
      const { runMavisTest } = await import('./mavis-test.js')
      return runMavisTest({ program, programPath, ...parsed })
    }
    case 'simulate': {
      const { runSimulate } = await import('./simulate.js')
      return runSimulate({ program, programPath, ...parsed })
    }
    case 'run':
      return run(program, parsed.arguments, programPath)
  }
}

async function run(program: Program, given: Arguments, programPath: string): Promise<void> {
  const options = { program, programPath, arguments: given }
  // A child of ours receives its plan over the link, and loads no code that reads and checks files.
  if (hasLink()) return (await import('../control/run-linked-child.js')).runLinkedChild(options)
  await (await import('./run.js')).runConfiguration(options)
}

/** Whether the master has passed a link on descriptor 3. */
function hasLink(): boolean {
  return process.env[LINK_VARIABLE] === '1'
}

function end(exitCode: number, message: string): void {
  writeTo(2, message)
  process.exitCode = exitCode
}
