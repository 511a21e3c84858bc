import { closeSync, constants, fstatSync, openSync } from 'node:fs'

const { O_APPEND, O_CREAT, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants

/** Opening a FIFO waits for its reader, and a terminal for its line: never here. A terminal does not become ours. */
const NEVER_WAIT = O_NONBLOCK | O_NOCTTY

/** Opens a file that lines are appended to; a FIFO too, if somebody reads it. Throws what the system says. */
export function openForLines(path: string): number {
  try {
    return openSync(path, O_WRONLY | O_APPEND | O_CREAT | NEVER_WAIT, 0o640)
  } catch (error) {
    if (codeOf(error) !== 'ENXIO') throw error
    throw new Error(`${path} is a FIFO that nobody reads, or a socket`)
  }
}

/**
 * Opens a file that has to be a regular one, for `flags` and, if it is not there, with `mode`. A symbolic link in its
 * place is refused: it would let another user choose the file.
 */
export function openRegularFile(path: string, flags: number, mode: number): number {
  const fd = openNoFollow(path, flags, mode)
  if (fstatSync(fd).isFile()) return fd
  closeSync(fd)
  throw new Error(notRegular(path))
}

function openNoFollow(path: string, flags: number, mode: number): number {
  try {
    return openSync(path, flags | O_CREAT | O_NOFOLLOW | NEVER_WAIT, mode)
  } catch (error) {
    if (codeOf(error) !== 'ENXIO') throw error
    throw new Error(notRegular(path))
  }
}

function notRegular(path: string): string {
  return `${path} is not a regular file`
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
