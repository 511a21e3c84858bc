import { readFileSync } from 'node:fs'

/** Where the kernel does not say: what a pipe has from the start. */
const UNKNOWN_BYTES = 64 * 1024

/** The largest pipe that this system wants; root may have larger ones, and should not. */
export function largestPipeBytes(path = '/proc/sys/fs/pipe-max-size'): number {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10) || UNKNOWN_BYTES
  } catch {
    return UNKNOWN_BYTES
  }
}
