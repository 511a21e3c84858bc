import { closeSync, constants, writeSync } from 'node:fs'
import { openRegularFile } from './open-file.js'

/** Adds a line to a TLS key log, which is for debugging: nothing of it is kept open. Throws what the system says. */
export function appendKeyLine(path: string, line: string): void {
  const fd = openRegularFile(path, constants.O_WRONLY | constants.O_APPEND, 0o600)
  try {
    writeSync(fd, `${line}\n`)
  } finally {
    closeSync(fd)
  }
}
