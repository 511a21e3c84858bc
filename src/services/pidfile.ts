/** The pidfile, which also locks out a second instance. */
import { closeSync, constants, fstatSync, ftruncateSync, lstatSync, writeSync } from 'node:fs'
import { nativeFunction } from '../kernel/ffi.js'
import { identityOf, removeIfSame } from '../kernel/path-handle.js'
import { openRegularFile } from './open-file.js'

/** LOCK_EX | LOCK_NB of flock(2). */
const LOCK_EXCLUSIVE_NOW = 2 | 4

/** A pidfile that this process holds. */
export interface Pidfile {
  /** Removes the file, unless another one has replaced it. */
  remove(): void
}

/**
 * Writes the process id and a newline, and keeps the file locked while the process lives. Throws when the file cannot be
 * written or another process has locked it; that file is left unchanged.
 */
export function writePidfile(path: string, pid: number): Pidfile {
  const fd = openLocked(path)
  const remove = () => {
    try {
      removeIfSame(path, identityOf(fd))
    } catch {
      // Already removed, or its directory is not writable any more.
    }
    closeSync(fd)
  }
  try {
    // Only under the lock: until then the file is that of another instance.
    ftruncateSync(fd)
    writeSync(fd, `${pid}\n`)
  } catch (error) {
    remove()
    throw error
  }
  return { remove }
}

/** Retries when an ending predecessor removed the file between our open and lock. */
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

/** Whether the path still refers to the open file. */
function isAt(path: string, fd: number): boolean {
  const { dev, ino } = fstatSync(fd)
  const found = lstatSync(path, { throwIfNoEntry: false })
  return found?.ino === ino && found.dev === dev
}
