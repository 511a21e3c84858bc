import { closeSync, constants, fstatSync, ftruncateSync, lstatSync, writeSync } from 'node:fs'
import { nativeFunction } from '../kernel/ffi.js'
import { identityOf, removeIfSame } from '../kernel/path-handle.js'
import { openRegularFile } from './open-file.js'

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
  const remove = () => {
    try {
      removeIfSame(path, identityOf(fd))
    } catch {
      // It is gone already, or its folder may not be written any more.
    }
    closeSync(fd)
  }
  try {
    ftruncateSync(fd)
    writeSync(fd, `${pid}\n`)
  } catch (error) {
    remove()
    throw error
  }
  return { remove }
}

/** A predecessor that ends may remove the file between our opening and our locking it: then there is a new one. */
function openLocked(path: string): number {
  const flock = nativeFunction<(fd: number, operation: number) => number>('int flock(int fd, int operation)')
  for (;;) {
    const fd = openRegularFile(path, constants.O_WRONLY, 0o644)
    if (flock(fd, LOCK_EXCLUSIVE_NOW) < 0) {
      closeSync(fd)
      throw new Error(`${path} is locked: another instance is running`)
    }
    if (isAt(path, fd)) return fd
    closeSync(fd)
  }
}

/** Whether the path leads to the open file. */
function isAt(path: string, fd: number): boolean {
  const { dev, ino } = fstatSync(fd)
  const found = lstatSync(path, { throwIfNoEntry: false })
  return found?.ino === ino && found.dev === dev
}
