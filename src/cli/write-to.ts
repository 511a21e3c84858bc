/** Text for a person, written before the process ends. */
import { writeSync } from 'node:fs'

/** A reader that has gone, or a full disk, changes no exit code. */
export function writeTo(fd: number, text: string): void {
  try {
    writeSync(fd, text)
  } catch {}
}
