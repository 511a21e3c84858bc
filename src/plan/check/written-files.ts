/** Checks that files which the configuration writes to are writable, without writing. */
import { accessSync, closeSync, constants, lstatSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path/posix'
import type { Position } from '../../base/problem.js'
import type { Arguments } from '../../config/arguments.js'
import { shownPath } from '../../config/expectation.js'
import type { ConfigProblem } from '../../config/problems.js'
import { reasonOf } from '../../config/sources.js'
import { headLog } from '../compile/worker-plans.js'
import type { Loaded } from '../load/load.js'
import { placeOf } from './place-of.js'

/** Position of a value from the command line instead of a file. */
const COMMAND_LINE: Position = { file: '(command line)', line: 1, column: 1 }

/** Errors for files of the configuration, at start and at a reload. */
export function writtenFileProblems(loaded: Loaded): readonly ConfigProblem[] {
  const { accessLog, stateFile, tlsKeylogFile } = loaded.tcprelay
  const { debugRedirect } = headLog(loaded)
  return [
    ...(accessLog?.kind === 'file' ? problemOf(accessLog.path, placeOf(loaded, 'access log')) : []),
    ...(debugRedirect?.kind === 'file'
      ? problemOf(debugRedirect.path, placeOf(loaded, 'debug redirect'))
      : []),
    ...(stateFile === undefined
      ? []
      : problemFor(stateFile, placeOf(loaded, 'state file'), codeOf(replaceIn, stateFile))),
    ...(tlsKeylogFile === undefined ? [] : problemOf(tlsKeylogFile.value, tlsKeylogFile.position)),
  ]
}

/** Errors for the pidfile, at start only. Another instance that holds it is detected when it is locked. */
export function pidfileProblems(loaded: Loaded, { pidfile }: Arguments): readonly ConfigProblem[] {
  // O_NOFOLLOW, as when it is written: a symbolic link is rejected (`services/open-file.ts`).
  if (pidfile !== undefined) return problemOf(pidfile, COMMAND_LINE, constants.O_NOFOLLOW)
  const { pidfile: path } = loaded.spawnd
  return path === undefined ? [] : problemOf(path, placeOf(loaded, 'pidfile'), constants.O_NOFOLLOW)
}

/** `flags`: in addition to those for writing. */
function problemOf(path: string, position: Position, flags = 0): ConfigProblem[] {
  return problemFor(path, position, codeOf(openForWriting, path, flags))
}

/** `code`: the errno name; undefined: it is writable. */
function problemFor(path: string, position: Position, code: string | undefined): ConfigProblem[] {
  if (code === undefined) return []
  const message = `cannot write ${shownPath(resolve(path))}: ${reasonOf(code)}`
  return [{ severity: 'error', position, message, code: 'cannot-create' }]
}

/** The errno name of what a check throws; undefined: nothing. */
function codeOf(check: (path: string, flags: number) => void, path: string, flags = 0): string | undefined {
  try {
    check(path, flags)
    return undefined
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'EIO'
  }
}

/** Opens only regular files: opening a FIFO would show its reader an end of file. */
function openForWriting(path: string, flags: number): void {
  const { O_APPEND, O_NONBLOCK, O_WRONLY, W_OK } = constants
  const stats = statSync(path, { throwIfNoEntry: false })
  // The file will be created.
  if (stats === undefined) createIn(dirname(path))
  else if (stats.isFile()) closeSync(openSync(path, O_WRONLY | O_APPEND | O_NONBLOCK | flags))
  else if (stats.isDirectory()) throw directoryError()
  else accessSync(path, W_OK)
}

/** For a file that is replaced by another one. */
function replaceIn(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) throw directoryError()
  createIn(dirname(path))
}

function createIn(folder: string): void {
  accessSync(folder, constants.W_OK | constants.X_OK)
}

function directoryError(): Error {
  return Object.assign(new Error('a directory'), { code: 'EISDIR' })
}
