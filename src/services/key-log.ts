/** The TLS key log. */
import { closeSync, constants, writeSync } from 'node:fs'
import { openRegularFile } from './open-file.js'

/** Appends a line to the TLS key log. It is for debugging, so it is opened for each line. Throws the system's error. */
export function appendKeyLine(path: string, line: string): void {
  // Readable by the owner only: the lines decrypt all traffic.
  const fd = openRegularFile(path, constants.O_WRONLY | constants.O_APPEND, 0o600)
  try {
    writeSync(fd, `${line}\n`)
  } finally {
    closeSync(fd)
  }
}
