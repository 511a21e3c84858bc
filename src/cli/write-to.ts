/** Text for a person, written before the process ends. */
import { writeSync } from 'node:fs'

/** Errors are ignored: a closed pipe or a full disk does not change the exit code. */
export function writeTo(fd: number, text: string): void {
  try {
    writeSync(fd, text)
  } catch {}
}
