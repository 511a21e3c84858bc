/** The program and the user of a child, and how its process is started. */

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { passOnNetAdmin } from '../../kernel/capabilities.js'
import { needsNetAdmin } from '../../plan/compile/socket-settings.js'
import { isOwnProgram } from '../../plan/compile/worker-plans.js'
import type { Loaded, LoadOptions } from '../../plan/load/load.js'
import { LINK_VARIABLE } from '../../services/link-messages.js'

/** Errors of setuid(2) and setgid(2) when this process may not change to a user or group. */
const FORBIDDEN = new Set(['EPERM', 'EINVAL'])

/** How children are started; the same for all of one configuration. */
export interface ChildProgram {
  readonly command: string
  readonly words: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  readonly uid: number | undefined
  readonly gid: number | undefined
  /** It needs CAP_NET_ADMIN, whatever user it becomes. */
  readonly keepsNetAdmin: boolean
  readonly workingDirectory: string | undefined
}

/** Starts a process; a test starts fakes. Returns the error where there is none. */
export type StartProcess = (program: ChildProgram, stdio: StdioOptions) => ChildProcess | Error

/** `ownProgram`: how children of ours are started; the configuration and the section that they read follow. */
export function programOf(
  loaded: Loaded,
  options: LoadOptions,
  ownProgram: Pick<ChildProgram, 'command' | 'words'>,
): ChildProgram {
  const { spawn } = loaded.spawnd
  const isOwn = isOwnProgram(spawn)
  const { childId, configuration } = options.arguments
  const id = childId ?? spawn.id
  const environment = Object.fromEntries(loaded.environment)
  return {
    command: isOwn ? ownProgram.command : (spawn.exec ?? ''),
    words: [
      ...(isOwn ? ownProgram.words : []),
      spawn.config ?? configuration,
      ...(id === undefined ? [] : [id]),
    ],
    // By this variable a child of ours expects a link on its descriptor.
    environment: isOwn ? { ...environment, [LINK_VARIABLE]: '1' } : environment,
    uid: spawn.user?.uid,
    keepsNetAdmin: isOwn && needsNetAdmin(loaded),
    // A number without an account has no group of its own, and is not to keep ours.
    gid: spawn.group ?? spawn.user?.gid ?? spawn.user?.uid,
    workingDirectory: spawn.workingDirectory,
  }
}

export function isForbidden({ gid, uid }: ChildProgram, { code = '' }: NodeJS.ErrnoException): boolean {
  return (uid !== undefined || gid !== undefined) && FORBIDDEN.has(code)
}

/** Node reports some failures by an event, such as a program that does not exist; others it throws. */
export function startProgram(program: ChildProgram, stdio: StdioOptions): ChildProcess | Error {
  const { command, environment, gid, keepsNetAdmin, uid, words, workingDirectory } = program
  // Only around the spawn: every program that this thread starts would inherit the capability.
  const endPassingOn = keepsNetAdmin ? passOnNetAdmin() : undefined
  try {
    return spawn(command, words, {
      // A session of its own: signals of the terminal reach the master only, which decides about its
      // children.
      detached: true,
      env: environment,
      stdio,
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
      ...(workingDirectory === undefined ? {} : { cwd: workingDirectory }),
    })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    endPassingOn?.()
  }
}
