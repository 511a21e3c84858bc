/** Opens files of the log without blocking. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs'

const { O_APPEND, O_CREAT, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants

/** Without O_NONBLOCK, opening a FIFO waits for a reader; O_NOCTTY keeps a terminal from becoming ours. */
const NEVER_WAIT = O_NONBLOCK | O_NOCTTY

/** Opens a file for appending lines; also a FIFO that has a reader. Throws the system's error. */
export function openForLines(path: string): number {
  try {
    return openSync(path, O_WRONLY | O_APPEND | O_CREAT | NEVER_WAIT, 0o640)
  } catch (error) {
    if (codeOf(error) !== 'ENXIO') throw error
    throw new Error(`${path} is a FIFO without a reader, or a socket`)
  }
}

/**
 * Opens a regular file with `flags`, and creates it with `mode` if necessary. A symbolic link is refused: another user
 * could redirect it to a different file.
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
