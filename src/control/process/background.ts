/** Running in the background: the process starts a copy of itself and exits when the copy serves clients. */
import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { EXIT_OK, EXIT_OS } from '../../base/exit-codes.js'
import { nativeFunction } from '../../kernel/ffi.js'
import type { Loaded, LoadOptions } from '../../plan/load/load.js'
import { nodeWords } from './close-inspector.js'
import { writeText } from './log-setup.js'

/** Environment variable of the process that was started to run in the background. */
const MARK = 'TCPRELAY_IN_BACKGROUND'

/** The message of that process when it serves clients. */
const SERVING = 'serving'

export function isInBackground(): boolean {
  // The channel too: the variable alone may be inherited from somewhere else.
  return process.env[MARK] !== undefined && process.send !== undefined
}

/** The command line takes precedence over the configuration. */
export function wantsBackground({ spawnd }: Loaded, options: LoadOptions): boolean {
  return options.arguments.background ?? spawnd.background
}

/**
 * Starts this program again without a terminal (Node has no fork) and exits when it serves, so that the exit code
 * reports a failed start. Until then its stderr is forwarded to this process.
 */
export function detach(): void {
  const [program = '', ...words] = process.argv.slice(1)
  const child = spawn(process.execPath, [...nodeWords(), program, ...words], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, [MARK]: '1' },
  })
  child.stderr?.on('data', (text) => writeText(String(text)))
  child.on('message', (message) => {
    if (message === SERVING) process.exit(EXIT_OK)
  })
  // The start has failed, with this exit code, or by a signal.
  child.on('exit', (code) => {
    process.exitCode = code ?? EXIT_OS
  })
}

/** Reports to the starting process, which exits. From here on stderr is /dev/null. */
export function tellServing(): void {
  if (!isInBackground()) return
  // Children and helpers inherit the environment.
  delete process.env[MARK]
  // Disconnected only after the message was written.
  process.send?.(SERVING, () => process.disconnect())
  const dup2 = nativeFunction<(from: number, to: number) => number>('int dup2(int from, int to)')
  dup2(openSync('/dev/null', 'w'), 2)
}
