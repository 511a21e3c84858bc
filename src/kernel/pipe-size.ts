/** The size limit of pipes. */
import { readFileSync } from 'node:fs'

/** If the limit cannot be read: the default capacity of a pipe (pipe(7)). */
const UNKNOWN_BYTES = 64 * 1024

/** fs.pipe-max-size. Root may exceed it, but this program does not. */
export function largestPipeBytes(path = '/proc/sys/fs/pipe-max-size'): number {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10) || UNKNOWN_BYTES
  } catch {
    return UNKNOWN_BYTES
  }
}
