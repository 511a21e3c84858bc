import { readdirSync } from 'node:fs'
import { RLIMIT_NOFILE } from './constants.js'
import { nativeFunction } from './ffi.js'
import { mapPrivate } from './memory.js'

/** struct rlimit: two 64-bit numbers, the soft limit first. */
const RLIMIT_BYTES = 16

type Rlimit = (resource: number, limit: bigint) => number

/** Raises the soft limit of open descriptors to the hard one, as the original does; answers the limit. */
export function raiseDescriptorLimit(): number {
  const getrlimit = nativeFunction<Rlimit>('int getrlimit(int resource, uintptr_t limit)')
  const setrlimit = nativeFunction<Rlimit>('int setrlimit(int resource, uintptr_t limit)')
  const region = mapPrivate(RLIMIT_BYTES)
  const limit = new BigUint64Array(region.bytes.buffer, 0, 2)
  getrlimit(RLIMIT_NOFILE, region.pointer)
  const [soft = 0n, hard = 0n] = limit
  if (soft < hard) {
    limit[0] = hard
    if (setrlimit(RLIMIT_NOFILE, region.pointer) < 0) return Number(soft)
  }
  return Number(hard)
}

/** How many descriptors the process has open now. */
export function countOpenDescriptors(): number {
  return readdirSync('/proc/self/fd').length - 1 // without the one that reads the folder
}
