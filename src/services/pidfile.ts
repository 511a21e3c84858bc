import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { nativeFunction } from '../kernel/ffi.js'

/** flock(2): exclusive, do not wait. */
const LOCK_EXCLUSIVE_NOW = 2 | 4

/** A pidfile that this process holds. */
export interface Pidfile {
  /** Removes the file, if it is still the one that was written. */
  remove(): void
}

/**
 * Writes the process id with a newline and keeps the file locked while the process lives. Throws when the file
 * cannot be written, and when another process holds it: that file is left alone.
 */
export function writePidfile(path: string, pid: number): Pidfile {
  const fd = openLocked(path)
  const { ino } = fstatSync(fd)
  const remove = () => {
    if (inodeOf(path) === ino) unlinkSync(path)
    closeSync(fd)
  }
  try {
    ftruncateSync(fd)
    writeSync(fd, `${pid}\n`)
  } catch (error) {
    if (fstatSync(fd).isFile()) remove()
    else closeSync(fd)
    throw error
  }
  return { remove }
}

/** A predecessor that ends may remove the file between our opening and our locking it: then there is a new one. */
function openLocked(path: string): number {
  const { O_CREAT, O_NOFOLLOW, O_WRONLY } = constants
  const flock = nativeFunction<(fd: number, operation: number) => number>('int flock(int fd, int operation)')
  for (;;) {
    const fd = openSync(path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0o644)
    if (flock(fd, LOCK_EXCLUSIVE_NOW) < 0) {
      closeSync(fd)
      throw new Error(`${path} is locked: another instance is running`)
    }
    if (inodeOf(path) === fstatSync(fd).ino) return fd
    closeSync(fd)
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino
}
